"""Hashes passwords as Django does, in a real thread where the server has one."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.hashers import PBKDF2PasswordHasher


def call_here(work: Callable[[], str]) -> str:
    return work()


class PasswordHasher(PBKDF2PasswordHasher):
    """Django's own, under its own name and with the same hashes, so that stored ones go on verifying.

    A hash takes some tenths of a second, in which a server of greenlets would serve nobody: it sets `call` to what runs
    the hash beside everybody else. OpenSSL needs no Python while it hashes.
    """

    call: "ClassVar[staticmethod[[Callable[[], str]], str]]" = staticmethod(call_here)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> Any:
        return self.call(lambda: super(PasswordHasher, self).encode(password, salt, iterations))
