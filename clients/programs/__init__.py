"""One program per client, each run by the Python of that client's own environment."""
