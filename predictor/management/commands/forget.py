import argparse
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError

from predictor.formats import format_number, write_count
from predictor.history.archiving import list_recorded
from predictor.history.erasure import Erasing, Forgotten, find_hashes, find_ids, vacuum
from predictor.management.archives import erase_archived, find_archived, find_folder
from predictor.management.base import SiteCommand, add_format
from predictor.management.forgotten_files import remove_files
from predictor.models import Version


class Command(SiteCommand):
    """Erase what was given to predictions, what was answered, and what really happened; their rows stay, anonymous.

    - Nobody waits, and it can be stopped at any time, and run again.
    - What was computed of these predictions, replays and results of monitoring, is erased too, and kept files of jobs.
    - Versions that may have been trained with one of the outcomes are listed, with the command that drops them.
    """

    help = "Erase predictions with their outcomes, and leave anonymous rows, so that counts stay true."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "ids", nargs="*", type=read_id, metavar="id", help="a prediction, as its page's URL names it"
        )
        parser.add_argument("--model", metavar="SLUG", help="the model of --where")
        parser.add_argument(
            "--where",
            type=read_condition,
            metavar="FEATURE=VALUE",
            help="all predictions of --model for which this was given, such as customer=4711",
        )
        parser.add_argument("--dry-run", action="store_true", help="count them, but erase nothing")
        add_format(parser)

    def handle(
        self,
        *,
        ids: list[UUID],
        model: str | None,
        where: tuple[str, str] | None,
        dry_run: bool,
        format: str,
        **options: Any,
    ) -> None:
        if bool(ids) == (where is not None) or (model is None) != (where is None):
            raise CommandError("Name either ids, or --model and --where.", returncode=2)
        if model is not None and where is not None:
            check_feature(model, where[0])
            ids = list(find_everywhere(model, *where))
        erasing = Erasing(dry_run=dry_run)
        archived = set(erase_from_archives(erasing, ids))
        found = dict(sorted(erasing.run(ids).items()))
        for name, forgotten in found.items():
            forgotten.files = remove_files(name, erasing.find_oldest(name), dry_run=dry_run)
        unknown = [id for id in erasing.unknown if id not in archived]
        if not dry_run:
            vacuum()
        if format == "json":
            self.stdout.write(json.dumps([describe(*each) for each in found.items()], indent=2))
        else:
            self.stdout.write("\n".join(write_lines(found, dry_run=dry_run)) or "There is no such prediction.")
        if unknown:
            names = ", ".join(map(str, unknown))
            raise CommandError(f"There is no prediction with this id: {names}. All others are done.")


def find_everywhere(model: str, feature: str, value: str) -> Iterator[UUID]:
    """The predictions for which a feature was this value, in the database and in archives."""
    yield from find_ids(model, feature, value)
    if settings.ARCHIVE_DIR:
        yield from find_archived(find_folder(), model, feature, value, find_hashes(model, feature, value))


def erase_from_archives(erasing: Erasing, ids: list[UUID]) -> Iterator[UUID]:
    """The ids of those predictions that an archive has."""
    if settings.ARCHIVE_DIR:
        for row in erase_archived(find_folder(), ids, dry_run=erasing.dry_run):
            id = UUID(row["id"])
            erasing.add_archived(row["model"], id, list_recorded(row))
            yield id


def read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a prediction") from error


def read_condition(text: str) -> tuple[str, str]:
    feature, equals, value = text.partition("=")
    if not (feature and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a feature and its value, such as customer=4711")
    return feature, value


def check_feature(model: str, feature: str) -> None:
    """Raise CommandError where no version of the model has the feature, or none stores anything of it."""
    schemas = Version.objects.filter(model=model).values_list("schema", flat=True)
    stored: dict[str, set[str]] = {}
    for each in (each for schema in schemas for each in schema["features"]):
        stored.setdefault(each["name"], set()).add(each.get("sensitive", ""))
    if not stored:
        raise CommandError(f"There is no version of {model!r}.")
    if feature not in stored:
        names = ", ".join(sorted(stored))
        raise CommandError(f"No version of {model!r} has the feature {feature!r}; it is one of: {names}.")
    if stored[feature] == {"drop"}:
        raise CommandError(f"Nothing is stored of {feature}, by which predictions could be found: name their ids.")


def describe(model: str, forgotten: Forgotten) -> dict[str, Any]:
    """What programs get."""
    return {
        "model": model,
        "predictions": forgotten.predictions,
        "already_forgotten": forgotten.already,
        "archived": forgotten.archived,
        "outcomes": forgotten.outcomes,
        "visitor_reports": forgotten.visitor_reports,
        "findings": forgotten.findings,
        "files": forgotten.files,
        "versions": [version.number for version in forgotten.versions],
        "command": write_command(model, forgotten.versions),
    }


def write_lines(found: dict[str, Forgotten], *, dry_run: bool) -> Iterator[str]:
    done = "would be forgotten" if dry_run else "forgotten"
    for model, forgotten in found.items():
        again = f" ({format_number(forgotten.already)} of them before)" if forgotten.already else ""
        yield (
            f"{model}: {done}: {write_count(forgotten.predictions, 'prediction')}{again},"
            f" {write_count(forgotten.outcomes, 'outcome')},"
            f" {write_count(forgotten.visitor_reports, 'report of visitors', 'reports of visitors')},"
            f" {write_count(forgotten.findings, 'result computed of them', 'results computed of them')},"
            f" {write_count(forgotten.files, 'file that may have them', 'files that may have them')};"
            f" in archives: {write_count(forgotten.archived, 'prediction')}."
        )
        if forgotten.versions:
            numbers = ", ".join(str(version.number) for version in forgotten.versions)
            yield f"{model}: may have been trained with one of these outcomes: version {numbers}."
            yield f"    {write_command(model, forgotten.versions)}"


def write_command(model: str, versions: list[Version]) -> str:
    """The command that drops the artifacts of these versions; empty for none. A live one must be replaced before."""
    if not versions:
        return ""
    drop = f"manage.py prune_versions {model} --only {' '.join(str(version.number) for version in versions)}"
    live = Version.objects.find_live(model)
    return f"manage.py retrain {model} && {drop}" if live in versions else drop
