"""What the commands that register a version share: their options and the output of their results."""

import argparse
import json
from typing import TYPE_CHECKING

import msgspec

from predictor.alignment import align_columns
from predictor.formats import format_number, write_count
from predictor.management.base import add_format
from predictor.models import Version
from predictor.record.comparison import describe_comparison
from predictor.record.measurement import write_scores
from predictor.record.provenance import count_outcomes, describe_sources

if TYPE_CHECKING:
    from predictor.lifecycle.registration import Registered
    from predictor.record.decision import Decision


def add_register_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that registers a version."""
    parser.add_argument(
        "--promote",
        choices=["if-better", "always", "never"],
        default="if-better",
        metavar="WHEN",
        help="when it goes live: if-better than the live version (default), always, or never",
    )
    parser.add_argument(
        "--force", action="store_true", help="register it even if it predicts the same as the live version"
    )
    parser.add_argument("--dry-run", action="store_true", help="do everything, but store nothing")
    add_format(parser)


def check_database() -> None:
    """Raise the database's error now, and not after hours of training, where nothing could be stored."""
    Version.objects.exists()


def write_json(results: list["Registered"]) -> str:
    return json.dumps(
        [
            {
                "model": result.model,
                "version": result.version,
                "rows": result.rows,
                "outcomes": count_outcomes(result.data) if result.data else 0,
                "metrics": result.metrics.scores if result.metrics else {},
                "intervals": result.metrics.intervals if result.metrics else {},
                "baseline": result.metrics.baseline if result.metrics else {},
                "promoted": result.promoted,
                "reason": result.reason,
                "data_changes": result.data_changes,
                "decision": msgspec.to_builtins(result.decision) if result.decision else {},
            }
            for result in results
        ],
        indent=2,
    )


def write_text(results: list["Registered"]) -> str:
    """The results as text: for each a table with a line for each metric, next to the baseline's."""
    if not results:
        return "Every model has a live version: nothing to do."
    return "\n\n".join("\n".join(_describe(result)) for result in results)


def _has_no_rival(decision: "Decision | None") -> bool:
    """Whether a version was not compared with a live one."""
    return decision is None or decision.champion is None or decision.verdict == "cannot compare"


def _describe(result: "Registered") -> list[str]:
    if result.state == "failed":
        return [f"{result.model}  failed"]
    if result.state != "done" or result.metrics is None:
        return [f"{result.model}  skipped", f"  {result.reason}"]
    version = f"version {result.version}" if result.version else "no version"
    state = "live" if result.promoted else "kept back" if result.version else "nothing registered"
    source = "trained elsewhere" if result.rows is None else f"trained on {format_number(result.rows)} rows"
    measured = f"{result.metrics.method}, {write_count(result.metrics.rows, 'row')}"
    scores = write_scores(result.metrics, result.unit)
    sources = describe_sources(result.data) if result.data else ""
    comparison = describe_comparison(result.decision, result.unit) if result.decision else []
    return [
        f"{result.model}  {version}  {state}  {source}",
        *([f"  {sources}"] if sources else []),
        *(f"  {line}" for line in result.data_changes),
        f"  {result.reason}",
        *_describe_next_steps(result),
        *(f"  {line}" for line in comparison),
        *(
            f"  {line}"
            for line in align_columns(
                (measured, "model", "baseline", "95 % interval"),
                *((each.label, each.score, each.baseline, each.interval) for each in scores),
            )
        ),
    ]


def _describe_next_steps(result: "Registered") -> list[str]:
    """How to bring a retired model back, and how to make a version live that nothing else speaks against."""
    undo = f"  to bring the model back: manage.py retire {result.model} --undo"
    promote = f'manage.py promote {result.model} {result.version} --reason "…"'
    if result.is_retired:
        would_be_live = result.version and result.decision is not None and result.decision.verdict == "retired"
        return [undo, f"  and then to make this version live: {promote}"] if would_be_live else [undo]
    # No other version is live, or known to be better.
    is_alone = result.version and not result.promoted and _has_no_rival(result.decision)
    return [f"  to make it live anyway: {promote}"] if is_alone else []
