"""A model in, a verified package out."""
