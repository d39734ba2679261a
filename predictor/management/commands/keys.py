import argparse
import json
from collections.abc import Iterator
from typing import Any

from predictor.management.base import SiteCommand, add_format
from predictor.management.keys import describe_key
from predictor.models import ApiKey


class Command(SiteCommand):
    """List API keys, newest first, with what they may do and when they were last used; never the keys themselves."""

    help = "List the API keys, with what they may do and when they were last used."
    stores_result = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_format(parser, of="list")

    def handle(self, *, format: str, **options: Any) -> None:
        described = [describe_key(key) for key in ApiKey.objects.all()]
        if format == "json":
            self.stdout.write(json.dumps(described, indent=2))
        else:
            self.stdout.write("\n".join(write_keys(described)) or "There is no key yet: make one with createkey.")


def write_keys(described: list[dict[str, Any]]) -> Iterator[str]:
    """Two lines for each key; times in UTC."""
    width = max((len(each["name"]) for each in described), default=0)
    for key in described:
        models = ", ".join(key["models"] or ["all models"])
        yield f"{key['name']:<{width}}  {key['prefix']}…  {key['state']:<7}  {', '.join(key['scopes'])}; {models}"
        used = f"last used {key['last_used_at']}" if key["last_used_at"] else "never used"
        until = f"; expires {key['expires_at']}" if key["expires_at"] else ""
        yield f"    made {key['made_at']} by {key['made_by']}; {used}{until}"
        if key["revoked_at"]:
            yield f"    revoked {key['revoked_at']} by {key['revoked_by']}: {key['reason']}"
