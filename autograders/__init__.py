"""What "right" means for each exercise, and the machinery that finds out safely."""
