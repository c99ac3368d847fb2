"""Outcome reports: what a provider's systems say has happened, one class per type, and what a set of them comes to."""
