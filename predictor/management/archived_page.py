"""The arguments by which predictions of an archive are chosen, and how these are printed."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from predictor.history.archives import ArchivedPage, ArchivedPrediction
from predictor.schema.schema import SLUG
from predictor.texts import quote


def add_choice(parser: argparse.ArgumentParser) -> None:
    """The options of `--show`."""
    parser.add_argument(
        "--show", type=read_month_name, metavar="YYYY-MM", help="show the newest 100 predictions of this archive"
    )
    parser.add_argument(
        "--model",
        action="append",
        type=read_slug,
        metavar="slug",
        help="with --show: only those of this model; may be given several times",
    )
    parser.add_argument("--before", type=read_id, metavar="ID", help="with --show: those older than this prediction")
    parser.add_argument("--id", type=read_id, metavar="ID", help="with --show: this prediction with all of its inputs")


def read_month_name(text: str) -> str:
    try:
        return f"{datetime.strptime(text, '%Y-%m'):%Y-%m}"  # Only a name.
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a month such as 2026-01") from error


def read_slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{quote(text)} is not the name of a model, such as line")
    return text


def read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        expected = "a UUID, as --show lists them and the addresses of their pages have them"
        raise argparse.ArgumentTypeError(f"{quote(text)} is not the id of a prediction: give {expected}") from error


def write_page(page: ArchivedPage) -> Iterator[str]:
    """One line for each prediction, and how to go on."""
    yield from map(write_line, page.predictions)
    if page.before:
        yield f"Older ones: --before {page.before}"


def write_line(each: ArchivedPrediction) -> str:
    interval = f" {write(each.interval)}" if each.interval is not None else ""
    outcome = f", outcome {write(each.outcomes[-1].value)}" if each.outcomes else ""
    answer = "forgotten" if each.output is None else f"{write(each.output)}{interval}{outcome}"
    return f"{each.id}  {write_moment(each.created_at)}  {each.model} {each.version}  {each.source}  {answer}"


def write_prediction(page: ArchivedPage) -> Iterator[str]:
    """All that is archived of one prediction, each column and each outcome in a line."""
    yield f"file: {page.file}"
    [prediction] = page.predictions
    for name, value in msgspec.structs.asdict(prediction).items():
        if name != "outcomes":
            yield f"{name}: {write_moment(value) if isinstance(value, datetime) else write(value)}"
    for each in prediction.outcomes:
        yield f"outcome: {write(each.value)}, {write_moment(each.recorded_at)}, {each.recorded_by}"


def write_moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def write(value: Any) -> str:
    """A value in one line: texts as they are, where they can be printed, and all else as JSON."""
    if isinstance(value, UUID) or (isinstance(value, str) and value.isprintable()):
        return str(value)
    return msgspec.json.encode(value).decode()
