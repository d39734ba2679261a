"""The tables: versions with their artifacts, promotions, retirements, every prediction, its outcomes, and API keys."""

from predictor.models.api_key import ApiKey
from predictor.models.artifact import Artifact, ArtifactChunk
from predictor.models.data_version import DataVersion
from predictor.models.figure import Figure
from predictor.models.file_to_score import FileToScore
from predictor.models.idempotency_key import IdempotencyKey
from predictor.models.job import Job, JobWorker
from predictor.models.kept import Kept
from predictor.models.kept_file import KeptChunk, KeptFile
from predictor.models.model_right import ModelRight
from predictor.models.monitoring import Monitoring
from predictor.models.outcome import Outcome
from predictor.models.prediction import Prediction, make_prediction_id, make_prediction_id_text
from predictor.models.promotion import Promotion
from predictor.models.rate_window import RateWindow
from predictor.models.reference import Reference
from predictor.models.replay import Replay
from predictor.models.retirement import Retirement
from predictor.models.schedule import Schedule, ScheduledMoment
from predictor.models.site import Site
from predictor.models.stored_recipe import StoredRecipe
from predictor.models.version import Version
from predictor.models.visitor_report import VisitorReport
from predictor.models.web_process import WebProcess

__all__ = [
    "ApiKey",
    "Artifact",
    "ArtifactChunk",
    "DataVersion",
    "Figure",
    "FileToScore",
    "IdempotencyKey",
    "Job",
    "JobWorker",
    "Kept",
    "KeptChunk",
    "KeptFile",
    "ModelRight",
    "Monitoring",
    "Outcome",
    "Prediction",
    "Promotion",
    "RateWindow",
    "Reference",
    "Replay",
    "Retirement",
    "Schedule",
    "ScheduledMoment",
    "Site",
    "StoredRecipe",
    "Version",
    "VisitorReport",
    "WebProcess",
    "make_prediction_id",
    "make_prediction_id_text",
]
