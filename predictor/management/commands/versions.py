import argparse
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.core.management.base import CommandError

from predictor.management.base import SiteCommand, add_format
from predictor.models import Retirement, Version


class Command(SiteCommand):
    """List versions, newest first, with what was decided on each as a challenger; changes nothing."""

    help = "List the versions of one model, or of all."
    stores_result = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one model (default: all)")
        add_format(parser, of="list")

    def handle(self, *, slug: str | None, format: str, **options: Any) -> None:
        versions = Version.objects.order_by("model", "-number").prefetch_related("promotions", "artifacts")
        if slug is not None:
            versions = versions.filter(model=slug)
            if not versions:
                raise CommandError(f"There is no version of {slug!r}: train one with `manage.py retrain {slug}`.")
        live = set(Version.objects.live().values_list("id", flat=True))
        retired = set(Retirement.objects.in_force().values_list("model", flat=True))
        described = [
            (version, describe_version(version, is_live=version.id in live, is_retired=version.model in retired))
            for version in versions
        ]
        if format == "json":
            self.stdout.write(json.dumps([each for _, each in described], indent=2))
        else:
            self.stdout.write("\n".join(write_models(described)) or "There is no version yet.")


def describe_version(version: Version, *, is_live: bool, is_retired: bool) -> dict[str, Any]:
    """What programs get; the live version of a retired model is not `live`."""
    return {
        "model": version.model,
        "version": version.number,
        "live": is_live and not is_retired,
        "retired": is_retired,
        "trained_at": version.created_at.isoformat(timespec="seconds"),
        "metrics": {label: score for label, score, _ in version.scores},
        "reason": version.parsed_decision.reason,
        "pruned": not version.artifacts.all(),
        "promotions": [
            {
                "at": promotion.promoted_at.isoformat(timespec="seconds"),
                "by": promotion.promoted_by,
                "reason": promotion.reason,
            }
            for promotion in version.promotions.all()
        ],
    }


def write_models(described: list[tuple[Version, dict[str, Any]]]) -> Iterator[str]:
    """Each model's versions, and below them each time that it was retired or brought back; times in UTC."""
    width = max((len(write_name(each)) for _, each in described), default=0)
    events = list(Retirement.objects.order_by("id"))
    for model, group in groupby(described, key=lambda each: each[0].model):
        yield from (write_version(version, each, width) for version, each in group)
        yield from (f"{each} by {each.recorded_by}: {each.reason}" for each in events if each.model == model)


def write_version(version: Version, described: dict[str, Any], width: int) -> str:
    """A version in one line, and below it the decision on it, and each time that it went live."""
    mark = next((state for state in ("live", "pruned", "retired") if described[state]), "")
    scores = ", ".join(f"{each.label} {each.score}" for each in version.written_scores)
    lines = [
        f"{write_name(described):<{width}}  {mark:<7}  {write_moment(described['trained_at'])}  {scores}",
        f"    {described['reason']}",
    ]
    for each in described["promotions"]:
        why = "" if each["reason"] == described["reason"] else f": {each['reason']}"
        lines.append(f"    went live {write_moment(each['at'])} by {each['by']}{why}")
    return "\n".join(lines)


def write_name(described: dict[str, Any]) -> str:
    return f"{described['model']} {described['version']}"


def write_moment(moment: str) -> str:
    """A moment in UTC in one word, its zone a Z, as ISO 8601 has it."""
    return moment.replace("+00:00", "Z")
