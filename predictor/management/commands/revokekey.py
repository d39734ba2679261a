import argparse
from typing import Any

from django.core.management.base import CommandError

from predictor.access.keys import revoke_key
from predictor.management.base import SiteCommand, read_reason
from predictor.models import ApiKey


class Command(SiteCommand):
    """Revoke an API key, for good: every process refuses it within 2 seconds.

    Its row stays, with when, by whom and why. Its name is free for another key.
    """

    help = "Revoke an API key, which every process refuses within 2 seconds."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="the key's name")
        parser.add_argument("--reason", type=read_reason, default="no reason given", help="why, for the log")

    def handle(self, *, name: str, reason: str, **options: Any) -> None:
        key = ApiKey.objects.filter(name=name, revoked_at=None).first()
        if key is None or not revoke_key(key, by="command line", reason=reason):
            names = ApiKey.objects.filter(revoked_at=None).order_by("name").values_list("name", flat=True)
            raise CommandError(f"There is no key {name!r} to revoke; the keys are: {', '.join(names) or 'none'}.")
        self.stdout.write(f"{key} is revoked.")
