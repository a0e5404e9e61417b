"""Graphs of several models in, one graph out."""
