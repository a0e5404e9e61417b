"""A path or bytes in, everything that can be read out of them out."""
