"""Windows of series in, their statistics and trees on them out."""
