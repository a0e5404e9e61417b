"""Bytes in, activities and tables out: one reader per file, one opener for all."""
