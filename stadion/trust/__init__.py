"""Who may do what: API keys."""

from stadion.trust.keys import KeyBook

__all__ = ["KeyBook"]
