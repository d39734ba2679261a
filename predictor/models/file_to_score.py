"""Tables that visitors uploaded to have them scored."""

from functools import cached_property

import msgspec
from django.db import models

from predictor.models.job import Job
from predictor.models.kept_file import KeptFile
from predictor.models.version import Version
from predictor.record.file_preview import FilePreview


class FileToScore(models.Model):
    """A kept file that was uploaded for a model, what its first rows are like, and the job that scores it."""

    file = models.OneToOneField(KeptFile, models.CASCADE, primary_key=True, related_name="table")
    version = models.ForeignKey(Version, models.CASCADE, help_text="The live one when it was looked into.")
    preview = models.JSONField()
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="tables")

    def __str__(self) -> str:
        return f"{self.file} for {self.version.model}"

    @cached_property
    def parsed_preview(self) -> FilePreview:
        return msgspec.convert(self.preview, FilePreview)
