"""Text of a table in, columns of numbers and times out."""
