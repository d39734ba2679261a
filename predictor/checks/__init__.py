"""Misconfiguration, found by `manage.py check` and before the server starts."""
