"""Hashes passwords as Django does, in a real thread where the server has one."""

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from predictor.threads import run_in_thread


# Checked with Django 5.2.19 (tests/test_insides.py).
class PasswordHasher(PBKDF2PasswordHasher):
    """Django's own, under its own name and with the same hashes, so that stored ones go on verifying.

    A hash takes some tenths of a second, and OpenSSL needs no Python meanwhile.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> Any:
        return run_in_thread(lambda: super(PasswordHasher, self).encode(password, salt, iterations))
