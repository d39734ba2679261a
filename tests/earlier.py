"""What a process of the build before does, whose artifacts had format 1 alone: its code, as it was."""

import hmac
import json

from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from predictor.models import Artifact, Site

COLUMNS = "version_id, kind, sha256, size, manifest, signature"


def store_as_before(version, key=None):
    """Leave a version as the build before would have registered it, in a database that it made."""
    for artifact in list(version.artifacts.all()):
        content = {
            name: value
            for name, value in json.loads(artifact.manifest_2).items()
            if name not in ("database", "interval")
        }
        manifest = json.dumps(
            content | {"format": 1}, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        row = [version.id, artifact.kind, artifact.sha256, artifact.size, manifest, sign(manifest, key)]
        chunks = list(artifact.chunks.values_list("number", "data"))
        artifact.chunks.all().delete()
        artifact.delete()
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO predictor_artifact ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)", row)  # noqa: S608  # Our own.
        stored = Artifact.objects.get(version=version, kind=artifact.kind)
        stored.chunks.bulk_create(stored.chunks.model(artifact=stored, number=n, data=data) for n, data in chunks)
    Site.objects.update(strict_since=None)


def sign(manifest, key=None):
    return salted_hmac(
        "mlsite.artifact", manifest, secret=key or settings.MODEL_SIGNING_KEY, algorithm="sha256"
    ).hexdigest()


def opens_as_before(version):
    """Whether a process of the build before, with today's key alone, trusts all artifacts of a version."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM predictor_artifact WHERE version_id = %s", [version.id])  # noqa: S608  # Our own.
        rows = cursor.fetchall()
    return bool(rows) and all(
        hmac.compare_digest(sign(manifest), signature)
        and json.loads(manifest)["format"] == 1
        and json.loads(manifest).keys()
        == {"format", "model", "number", "kind", "schema", "libraries", "code", "size", "sha256"}
        for *_, manifest, signature in rows
    )
