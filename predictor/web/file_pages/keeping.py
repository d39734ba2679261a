"""Keeps a file that a visitor uploads to have it scored: nothing is stored of one that cannot be."""

from pathlib import Path
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest
from django.utils import timezone

from predictor.exceptions import MlsiteError
from predictor.files.keeping import check_space
from predictor.files.previewing import preview_table
from predictor.files.space import Space, estimate_space
from predictor.files.uploading import keep_upload
from predictor.languages import gettext as _
from predictor.models import FileToScore
from predictor.record.file_preview import FilePreview, Refusal, write_refusal
from predictor.schema.schema import Schema
from predictor.serving.runtime import Runtime
from predictor.turns import leave_connection
from predictor.web.access import is_signed_in
from predictor.web.file_pages.bodies import make_too_large

VISITOR = "a visitor"


class FileRefused(MlsiteError):
    """A file that cannot be scored: a sentence in the page's language, and details in English."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        self.sentence, self.detail = sentence, detail
        super().__init__(sentence)


def keep_table(request: HttpRequest, runtime: Runtime) -> FileToScore:
    """Keep the file of a form once its first rows were read. Raises FileRefused, TooMuch, NoSpace and Overloaded."""
    uploaded = request.FILES.get("file")
    if not isinstance(uploaded, TemporaryUploadedFile):
        raise FileRefused(_("Choose a file."))
    if (uploaded.size or 0) > settings.UPLOAD_MAX_BYTES:
        raise make_too_large()
    check_space(uploaded.size or 0)
    preview = look_into(Path(uploaded.temporary_file_path()), uploaded.name or "", runtime)
    file = keep_upload(uploaded, by=name_maker(request))
    return FileToScore.objects.create(file=file, version=runtime.version, preview=msgspec.to_builtins(preview))


def look_into(path: Path, name: str, runtime: Runtime) -> FilePreview:
    """What a table's first rows are like. Raises FileRefused and Overloaded."""
    leave_connection()
    found = preview_table(path, name, runtime.schema)
    if found.preview is None:
        refusal = found.refusal or Refusal(trouble="unreadable")
        raise FileRefused(write_refusal(refusal), refusal.detail)
    return found.preview


def name_maker(request: HttpRequest) -> str:
    """Who uploads a file, or starts and cancels its job."""
    return request.user.get_username() if is_signed_in(request) else VISITOR


def estimate(table: FileToScore, schema: Schema) -> Space:
    """What the table and its answers will take in the database, where they are stored."""
    size, rows, classes = table.file.size, table.parsed_preview.rows, len(schema.target.classes)
    return estimate_space(size, rows, inputs=len(schema.features), classes=classes, history=True)


def find_table(slug: str, id: UUID) -> FileToScore | None:
    """A table that was uploaded for this model and is still kept."""
    tables = FileToScore.objects.select_related("file", "version", "job")
    kept = tables.filter(file_id=id, version__model=slug, file__is_whole=True).first()
    expires = kept.file.expires_at if kept else None
    return None if expires is not None and expires <= timezone.now() else kept
