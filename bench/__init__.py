"""Measurements of the server against yardsticks in the same run, started by `bin/bench`."""
