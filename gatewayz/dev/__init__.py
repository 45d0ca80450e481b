"""What `./dev` does: the contributor's commands."""
