"""The operators' commands, by what they look after. `app/cli.py` puts them together."""
