"""Four strokes of a rally in, several ways in which it may go on out."""
