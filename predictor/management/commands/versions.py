import argparse
import json
from typing import Any

from django.core.management.base import CommandError

from predictor.management.base import SiteCommand
from predictor.models import Version


class Command(SiteCommand):
    """List versions, newest first, with what was decided on each as a challenger; changes nothing."""

    help = "List the versions of one model, or of all."
    stores_result = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one model (default: all)")
        parser.add_argument(
            "--format", choices=["text", "json"], default="text", help="format of the list (default: text)"
        )

    def handle(self, *, slug: str | None, format: str, **options: Any) -> None:
        versions = Version.objects.order_by("model", "-number").prefetch_related("promotions", "artifacts")
        if slug is not None:
            versions = versions.filter(model=slug)
            if not versions:
                raise CommandError(f"There is no version of {slug!r}: train one with `manage.py retrain {slug}`.")
        live = set(Version.objects.live().values_list("id", flat=True))
        described = [(version, describe_version(version, is_live=version.id in live)) for version in versions]
        if format == "json":
            self.stdout.write(json.dumps([each for _, each in described], indent=2))
        else:
            self.stdout.write(write_text(described) or "There is no version yet.")


def describe_version(version: Version, *, is_live: bool) -> dict[str, Any]:
    return {
        "model": version.model,
        "version": version.number,
        "live": is_live,
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


def write_text(described: list[tuple[Version, dict[str, Any]]]) -> str:
    """A line for each version, and below it the decision on it, and each time that it went live; times in UTC."""
    names = [f"{each['model']} {each['version']}" for _, each in described]
    width = max(map(len, names), default=0)
    lines = []
    for name, (version, each) in zip(names, described, strict=True):
        mark = "live" if each["live"] else "pruned" if each["pruned"] else ""
        scores = ", ".join(f"{score.label} {score.score}" for score in version.written_scores)
        lines.append(f"{name:<{width}}  {mark:<6}  {write_moment(each['trained_at'])}  {scores}")
        lines.append(f"    {each['reason']}")
        for promotion in each["promotions"]:
            why = "" if promotion["reason"] == each["reason"] else f": {promotion['reason']}"
            lines.append(f"    went live {write_moment(promotion['at'])} by {promotion['by']}{why}")
    return "\n".join(lines)


def write_moment(moment: str) -> str:
    """A moment in UTC in one word, its zone a Z, as ISO 8601 has it."""
    return moment.replace("+00:00", "Z")
