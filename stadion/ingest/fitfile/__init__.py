"""Bytes of a FIT file in, its messages as columns out: all that knows the binary format."""
