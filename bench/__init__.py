"""Measurements of the server against yardsticks in the same run. Started by `bin/bench`; nothing of the server needs it."""
