"""The one place where errors become problems of jobs, which pages say in their own language."""

from predictor import jobs
from predictor.exceptions import (
    ArtifactError,
    Coded,
    DatasetError,
    FileGone,
    MlsiteError,
    ModelNotFound,
    ModelNotReady,
    ModelRetired,
    NoSpace,
    SheetFull,
)
from predictor.record.job_problem import JobProblem

# What visitors start, who can read neither the log nor English in all cases.
OF_VISITORS = (jobs.SCORE, jobs.WRITE)


def describe_error(error: MlsiteError, kind: str) -> JobProblem | None:
    """A known kind of error in a job of this kind; None where its text says more to those who see such jobs."""
    match error:
        case NoSpace():
            return JobProblem(code="no_space", values={"needed": error.needed, "free": error.free})
        case FileGone():
            return JobProblem(code="file_gone")
        case SheetFull():
            return JobProblem(code="sheet_full", values={"limit": error.most})
        case ModelRetired():
            return JobProblem(code="model_retired")
        case Coded() if error.code:
            return JobProblem(code=error.code, values=error.values, detail=error.detail)
    if kind not in OF_VISITORS:
        return None
    match error:
        case DatasetError():
            return JobProblem(code="unreadable", detail=str(error))
        case ModelNotFound() | ModelNotReady() | ArtifactError():
            return JobProblem(code="model_not_ready")
    return None
