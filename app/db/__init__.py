"""Persistence: tables, sessions, tenancy, paging.

What differs between SQLite and PostgreSQL stands here and nowhere else.
"""
