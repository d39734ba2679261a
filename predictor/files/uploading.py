"""Keeps what a form uploads."""

import time

from django.core.files.uploadedfile import UploadedFile

from predictor.files.keeping import BYTES_OF_A_CHUNK, FileWriter, find_expiry
from predictor.models import KeptFile
from predictor.turns import leave_connection

LONGEST_PAUSE = 0.05


def keep_upload(upload: UploadedFile, *, by: str) -> KeptFile:
    """Keep an uploaded file for a while, without a connection between its pieces. Raises NoSpace."""
    name, media_type = upload.name or "", upload.content_type or ""
    with FileWriter(name=name, made_by=by, expires=find_expiry(), media_type=media_type) as kept:
        for piece in upload.chunks(BYTES_OF_A_CHUNK):
            began = time.monotonic()
            kept.write(piece)
            leave_connection()
            # Commits of forms wait for those of the pieces: half of the time is theirs.
            time.sleep(min(LONGEST_PAUSE, time.monotonic() - began))
        return kept.finish()
