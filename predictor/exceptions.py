"""Every error that mlsite raises on purpose; in brackets, where one is defined that a single room needs.

MlsiteError
├── Coded                  what a training refuses, which pages may say in their own language
│   ├── RecipeError        a model.toml that cannot be used
│   ├── DatasetError       a table that no model can be trained on
│   │   └── LargeRowGroup  a Parquet file whose parts need too much memory
│   └── TrainingError      an estimator that could not be built or fitted
├── ModelFileError         a file made elsewhere that contains no model for this site
│   └── SeveralTargets     an estimator that predicts several numbers for a row
├── CannotCompare          two versions without common rows to compare them on
├── InvalidValue           one value that its feature or its target refuses
├── InvalidInput           inputs that the schema refuses, field by field
├── InvalidFilters         parameters of a search that mean no filter
├── NoAnswer               valid inputs for which the model has no finite prediction
├── Overloaded             more requests are waiting than this process can answer soon
├── TooLate                an answer that did not come in time
├── ModelTooLarge          a pickle above MODEL_MAX_MB
├── ReferenceTaken         references that name predictions of other inputs
├── KeyReused              an idempotency key that was sent before with another body
├── OutcomeChanged         an outcome that somebody else recorded in the meantime
├── NothingToRollBack      a model whose live version is the first of its log
├── CannotPartition        a table of predictions that cannot be divided (history.partitions)
├── DamagedArchive         an archive of predictions that is not what was written (history.archiving)
├── ArchiveNotRead         archived predictions that a page cannot show (history.archived)
├── TablesBusy             tables that others keep locked (history.altering)
├── VersionIsLive          a version that cannot be dropped while it is live
├── NoSpace                a file that does not fit into FILES_MAX_MB
├── FileGone               a kept file that has expired, or was removed
├── TableInUse             an uploaded table that a version, a recipe or a job needs
├── RecipeInUse            a stored recipe that a model's versions or a job need
├── LeaseLost              a job that another worker has taken over, or that was cancelled (jobs)
├── ModelNotFound          a slug without a live version
├── PredictionForgotten    a prediction whose inputs and output were erased
├── ModelRetired           a model that makes no predictions until it is brought back
├── ModelNotReady          a model without a version that this process can serve
├── UnsupportedContent     a body in a charset or a compression that is not read here
├── RepeatedKey            a JSON text in which an object has a key twice
├── UnreadableContent      a body that is not what its headers say
├── ContentTooLarge        a body that is larger than allowed, also once it is decompressed
├── NotCompiled            a fitted model without a stored compiled one (training.compiling.graph)
├── ClusterError           a Dask cluster that could not do its work (cluster.client)
│   └── ClusterLost        or that cannot be reached, or has no worker
├── WrongBuild             a worker of a cluster that runs other code, or other libraries (cluster.build)
├── NothingToReplay        a model without predictions that a version could answer again (scoring.replay)
├── ExportError            predictions that the chosen format cannot hold
│   ├── SheetFull          more rows than a sheet of a workbook has
│   └── ExportsBusy        another file is being written for a page
├── Refused                a request to the API that gets an error (api.bodies)
├── Unauthorized           a request to the API that needs a valid key, and has none (access.callers)
├── NameInUse              the name of an API key that another key has (access.keys)
├── Forbidden              a request to the API for what its key or its user may not do (access.callers)
├── TooMuch                a visitor's request that is refused before it is parsed (web.bounds)
├── RateExceeded           more rows in a window of time than are allowed (access.shares)
├── FileRefused            a visitor's file that cannot be scored (web.file_pages.keeping)
├── TooOften               what a visitor does more often than is allowed (access.visitors)
├── MalformedChunks        a body that is not in chunks, although its head says so (mlsite.chunks)
├── TooSlow                a request whose body arrives below its minimum rate (mlsite.arrival)
└── ArtifactError          stored bytes that must not be loaded
    ├── DamagedArtifact    chunks are missing, or the bytes are not those that were signed
    ├── WrongLibraries     made with another version of scikit-learn
    ├── WrongCode          made with another pipeline.py than this build's
    └── UntrustedArtifact  nothing proves that this site made it: it is left unchanged
        ├── BadSignature   the manifest is not signed with a trusted key
        ├── WrongPlace     a valid manifest, but of another version or another database
        └── WrongFormat    a valid manifest in a format that this build does not read
            └── RetiredFormat  or that this database no longer accepts
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.problems import ParameterProblem, Problem


class MlsiteError(Exception):
    """The root of the tree above."""


class Coded(MlsiteError):
    """`code` and `values`, where it is of a kind that pages say in their own language: see `record.job_problem`.

    `detail` is what they say in English all the same.
    """

    def __init__(self, *texts: object, code: str = "", detail: str = "", **values: float | str | list[str]) -> None:
        super().__init__(*texts)
        self.code, self.detail, self.values = code, detail, values

    def reword(self, text: str) -> Self:
        """The same error with another text."""
        coded: dict[str, Any] = {"code": self.code, "detail": self.detail, **self.values}
        return type(self)(text, **coded)


class RecipeError(Coded):
    pass


class DatasetError(Coded):
    pass


class LargeRowGroup(DatasetError):
    pass


class TrainingError(Coded):
    pass


class NoSpace(MlsiteError):
    """In bytes: how many are `needed`, how many are `free`, and the `most` that all files may take."""

    def __init__(self, *, needed: int, free: int, most: int) -> None:
        super().__init__(
            f"There is no space for {needed / 1_000_000:.1f} MB: of the {most // 1_000_000} MB that all files may take"
            f" (FILES_MAX_MB), {free / 1_000_000:.1f} MB are free. Older files are deleted after FILES_KEPT."
        )
        self.needed, self.free, self.most = needed, free, most


class FileGone(MlsiteError):
    pass


class TableInUse(MlsiteError):
    """In the language of whoever wants to delete it."""


class RecipeInUse(MlsiteError):
    """In the language of whoever wants to delete it."""


class ModelFileError(MlsiteError):
    pass


class SeveralTargets(ModelFileError):
    """`count` is how many numbers it predicts for a row."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(f"it predicts {count} values for a row, and there is one target")


class CannotCompare(MlsiteError):
    """`cause` says why, and `step` what to do next."""

    def __init__(self, cause: str, step: str) -> None:
        self.cause, self.step = cause, step
        super().__init__(f"{cause}: {step}")


class InvalidValue(MlsiteError, ValueError):
    """`problem` is what is wrong with a value, which the error's text says as a sentence."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem)


class InvalidInput(MlsiteError):
    """`problems` maps the name of each refused field to what is wrong with it."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self.problems = dict(problems)
        super().__init__(self.problems)

    @property
    def fields(self) -> dict[str, str]:
        """A sentence for each refused field: what is wrong with it and what would be right."""
        return {name: str(problem) for name, problem in self.problems.items()}

    def __str__(self) -> str:
        return "; ".join(f"{name}: {sentence}" for name, sentence in self.fields.items())


class InvalidFilters(MlsiteError):
    """`problems` maps the name of each wrong parameter to what is wrong with it."""

    def __init__(self, problems: Mapping[str, ParameterProblem]) -> None:
        self.problems = dict(problems)
        super().__init__(self.problems)

    @property
    def fields(self) -> dict[str, str]:
        """A sentence for each wrong parameter: what is wrong with it and what would be right."""
        return {name: str(problem) for name, problem in self.problems.items()}

    def __str__(self) -> str:
        return "; ".join(f"{name}: {sentence}" for name, sentence in self.fields.items())


class AlertNotSent(MlsiteError):
    """A message that nobody got."""


class ExportError(MlsiteError):
    """Predictions that the chosen format cannot hold."""


class SheetFull(ExportError):
    """There are more rows than the `most` of a sheet."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"A sheet has at most {format_number(most)} rows: choose CSV or Parquet.")


class ExportsBusy(ExportError):
    """Another file is being written for a page."""


class NoAnswer(MlsiteError):
    """`cause` is what the estimator said; without any, its prediction is not finite.

    The sentence is in the language of whoever reads it, since another thread may have raised the error.
    """

    def __init__(self, cause: str = "") -> None:
        self.cause = cause
        super().__init__(cause)

    def __str__(self) -> str:
        if not self.cause:
            return _("The model has no finite answer for these inputs: try values that it has seen.")
        sentence = _("The model cannot answer these inputs ({cause}): try values that it has seen.")
        return sentence.format(cause=self.cause)


class Overloaded(MlsiteError):
    pass


class TooLate(MlsiteError):
    pass


class ModelTooLarge(MlsiteError):
    pass


class ReferenceTaken(MlsiteError):
    """`taken` are the references by the positions of their rows."""

    def __init__(self, taken: Mapping[int, str]) -> None:
        self.taken = dict(taken)
        super().__init__(self.taken)


class KeyReused(MlsiteError):
    pass


class OutcomeChanged(MlsiteError):
    pass


class NothingToRollBack(MlsiteError):
    pass


class ModelNotFound(MlsiteError):
    pass


class CannotPartition(MlsiteError):
    pass


class DamagedArchive(MlsiteError):
    pass


class ArchiveNotRead(MlsiteError):
    pass


class TablesBusy(MlsiteError):
    pass


class VersionIsLive(MlsiteError):
    pass


class PredictionForgotten(MlsiteError):
    """`manage.py forget` erased the prediction; its row says only when it was made, and by which version."""


class ModelRetired(MlsiteError):
    """`title` is the model's name on pages, `since` when it was retired, and `remedy` how it is brought back."""

    def __init__(self, model: str, title: str, since: datetime) -> None:
        self.model, self.title, self.since = model, title, since
        self.remedy = f"`manage.py retire {model} --undo` brings it back"
        super().__init__(f"{model} was retired on {since:%Y-%m-%d} at {since:%H:%M} UTC")


class ModelNotReady(MlsiteError):
    """`problem` is for everybody; the reason, which may name versions of libraries, is for the log."""

    def __init__(self, problem: str, reason: str = "") -> None:
        self.problem = problem
        super().__init__(f"{problem}: {reason}" if reason else problem)


class UnsupportedContent(MlsiteError):
    pass


class RepeatedKey(MlsiteError):
    """Its text is the key."""


class UnreadableContent(MlsiteError):
    pass


class ContentTooLarge(MlsiteError):
    """A body has more than `most_bytes`, compressed or not."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        super().__init__(f"more than {most_bytes:,} bytes")


class ArtifactError(MlsiteError):
    pass


class DamagedArtifact(ArtifactError):
    pass


class WrongLibraries(ArtifactError):
    pass


class WrongCode(ArtifactError):
    pass


class UntrustedArtifact(ArtifactError):
    """`remedy` says, as an instruction, how the artifact becomes trusted."""

    remedy = ""


class BadSignature(UntrustedArtifact):
    remedy = "set MODEL_SIGNING_KEY, or one of MODEL_SIGNING_KEY_FALLBACKS, to the key that signed it"


class WrongPlace(UntrustedArtifact):
    remedy = "restore the artifact that was signed for this version and this database"


class WrongFormat(UntrustedArtifact):
    remedy = "run the build that stored it"


class RetiredFormat(WrongFormat):
    remedy = "if an earlier build of yours stored it, sign it with `manage.py resign --accept-format-1`"


def copy_error(error: Exception) -> Exception:
    """The same error for one more thread to raise, each with a trace of its own; the very one where that cannot be."""
    try:
        return type(error)(*error.args)
    except Exception:  # Whatever its constructor wants, the thread that waits must get an error.
        return error
