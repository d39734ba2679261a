"""Finds the version that a command is about."""

from django.core.management.base import CommandError

from predictor.models import Version

MOST_NUMBERS = 20


def find_version(slug: str, number: int) -> Version:
    """Raise CommandError, which names the newest versions, where there is no such version."""
    versions = Version.objects.filter(model=slug)
    found = versions.filter(number=number).first()
    if found is None:
        numbers = ", ".join(str(n) for n in versions.values_list("number", flat=True)[:MOST_NUMBERS])
        raise CommandError(f"There is no version {number} of {slug!r}; its versions are: {numbers or 'none'}.")
    return found
