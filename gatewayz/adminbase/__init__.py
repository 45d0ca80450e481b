"""What every admin page is built from; it knows no app."""
