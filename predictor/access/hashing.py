"""Hashes passwords as Django does, but in a real thread where the server uses greenlets."""

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from predictor.threads import run_in_thread
from predictor.turns import leave_connection


# Checked with Django 5.2.19 (tests/test_insides.py).
class PasswordHasher(PBKDF2PasswordHasher):
    """Django's own hasher, with the same name and the same hashes, so that stored ones remain valid.

    A hash takes some tenths of a second, in which no other greenlet would run. OpenSSL releases the GIL meanwhile.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> Any:
        leave_connection()  # Of the few that its process has, for visitors meanwhile.
        return run_in_thread(lambda: super(PasswordHasher, self).encode(password, salt, iterations))
