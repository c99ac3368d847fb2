"""The acts: importing this package registers every one of them, by name and in no particular order."""

from app.domain.acts import author, frontline, review, rules, safeguarding

__all__ = ["author", "frontline", "review", "rules", "safeguarding"]
