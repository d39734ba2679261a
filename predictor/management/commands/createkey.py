import argparse
import json
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from predictor.access.keys import Scope, make_key
from predictor.management.base import SiteCommand, add_format
from predictor.management.keys import describe_key, read_expiry, read_list, read_name, read_scopes
from predictor.models import Version


class Command(SiteCommand):
    """Make a key by which a program uses the API.

    - The key is printed once, alone on stdout; only its hash is stored.
    - It does what its scopes say: predict, read stored predictions, record outcomes; for all models or some.
    - It is valid at once, in all processes, until it expires or `revokekey` revokes it.
    """

    help = "Make a key by which a program uses the API; it is printed once."
    stores_result = False  # A key that could not be printed is of no use.

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", type=read_name, help="what the key is for; it names the key in lists and errors")
        parser.add_argument(
            "--scopes", type=read_scopes, required=True, help=f"what it may do, by commas: {','.join(Scope)}"
        )
        parser.add_argument("--models", type=read_list, help="the models it is for, by commas (default: all)")
        parser.add_argument(
            "--expires",
            type=read_expiry,
            help="for how long it is valid, such as 90d, or until when, such as 2027-03-01 in UTC (default: for ever)",
        )
        add_format(parser)

    def handle(
        self,
        *,
        name: str,
        scopes: list[Scope],
        models: list[str] | None,
        expires: datetime | None,
        format: str,
        **options: Any,
    ) -> None:
        check_models(models or [])
        key, text = make_key(name, scopes=scopes, models=models, expires_at=expires, by="command line")
        described = describe_key(key)
        if format == "json":
            self.stdout.write(json.dumps({"key": text, **described}, indent=2))
            return
        self.stdout.write(text)
        until = described["expires_at"] or "it is revoked"
        self.stderr.write(
            f"{name} may {', '.join(key.scopes)}; models: {', '.join(key.only_models or ['all'])}; valid until {until}."
            " Keep the key now: only its hash is stored.",
            style_func=str,
        )


def check_models(slugs: list[str]) -> None:
    """Raise CommandError, which names the models that there are, for a slug that is not one of them."""
    known = Version.objects.list_models()
    for slug in slugs:
        if slug not in known:
            raise CommandError(f"There is no model {slug!r}; the models are: {', '.join(known) or 'none'}.")
