"""What management commands share: their output and their progress bar; it knows no app."""
