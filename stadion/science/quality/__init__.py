"""Streams in, doubts about them out: what was measured badly, and where. Nothing is changed."""

from stadion.science.quality.finding import find_flags, valid

__all__ = ["find_flags", "valid"]
