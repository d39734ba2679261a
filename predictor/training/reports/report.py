"""Makes a version's report: drawings, importances, and the commit that it was made by."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sklearn.base import BaseEstimator

from predictor.metrics.names import Metric
from predictor.record.charts import ReportCharts
from predictor.record.drawing import Drawing
from predictor.record.report import Importances, SkippedImportances
from predictor.texts import take_first_line
from predictor.training.dataset import Dataset
from predictor.training.evaluation import Evaluation
from predictor.training.reports.charts import take_charts
from predictor.training.reports.figures import draw_figures
from predictor.training.reports.importances import measure_importances

# The commit in Heroku's dynos, which have no git, and in its builds.
COMMIT_VARIABLES = ("HEROKU_BUILD_COMMIT", "HEROKU_SLUG_COMMIT", "SOURCE_VERSION")
SECONDS_FOR_GIT = 5


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The parts of a version's report that need the fitted model, and its drawings."""

    importances: Importances | SkippedImportances
    not_drawn: tuple[str, ...]
    commit: str | None
    drawings: tuple[Drawing, ...]
    charts: ReportCharts


def make_report(
    fitted: BaseEstimator, dataset: Dataset, evaluation: Evaluation, metric: Metric, *, show_data: bool, seed: int
) -> Findings:
    """Report on a fitted model, or a compiled one: importances by `metric`, drawings, and the project's git commit.

    The same arguments give the same report. It never fails: what an estimator cannot give is left out, with the cause.
    """
    figures = draw_figures(dataset.schema.target, evaluation, show_data=show_data, seed=seed)
    importances: Importances | SkippedImportances
    try:
        importances = measure_importances(fitted, dataset, metric, seed)
    except Exception as error:  # An estimator may raise anything on shuffled columns, and still predict.
        importances = SkippedImportances(skipped=f"{type(error).__name__}: {take_first_line(error)}")
    return Findings(
        importances=importances,
        not_drawn=tuple(figures.left_out),
        commit=find_commit(),
        drawings=figures.drawings,
        charts=take_charts(dataset.schema.target, evaluation, show_data=show_data, seed=seed),
    )


def find_commit(folder: Path = Path(__file__).parent) -> str | None:
    """The git commit of the code in a folder, with "-dirty" where files differ from it; None where it is unknown."""
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        done = subprocess.run(  # noqa: S603  # A fixed command.
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_FOR_GIT, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return next((os.environ[name] for name in COMMIT_VARIABLES if os.environ.get(name)), None)
    return done.stdout.strip()
