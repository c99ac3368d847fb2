"""Heardback: staff suggestions that are answered."""
