"""Hashes passwords as Django does, but in a real thread where the server uses greenlets."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.hashers import PBKDF2PasswordHasher


def call_here(work: Callable[[], str]) -> str:
    return work()


class PasswordHasher(PBKDF2PasswordHasher):
    """Django's own hasher, with the same name and the same hashes, so that stored ones remain valid.

    A hash takes some tenths of a second, in which a server of greenlets would serve nobody: such a server sets `call`
    to run it in a thread. OpenSSL releases the GIL while it hashes.
    """

    call: "ClassVar[staticmethod[[Callable[[], str]], str]]" = staticmethod(call_here)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> Any:
        return self.call(lambda: super(PasswordHasher, self).encode(password, salt, iterations))
