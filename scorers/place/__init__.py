"""Places in an image: coordinate conventions, and reading and measuring boxes, points and masks."""
