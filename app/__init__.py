"""Heardback: staff suggestions that are answered."""

__version__ = "1.0.0"
