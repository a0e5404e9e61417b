"""Packages in, versions out: the system of record."""
