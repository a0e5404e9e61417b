"""What a client may write as a number or a parameter in JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec

__all__ = ["Int64", "Parameter"]

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Whole numbers: JSON gives them no limit, and Python refuses to print the largest."""

Parameter = str | Int64 | float | bool
"""The value of a parameter."""
