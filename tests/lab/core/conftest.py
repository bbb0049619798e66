"""A lab of its own for each test."""

from support.lab import lab

__all__ = ["lab"]
