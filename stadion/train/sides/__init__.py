"""Two sides of a match in, both orders of them, completed and compared, out."""
