"""Writes versions and promotions, and reads artifacts back, verified."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from predictor.exceptions import ArtifactError, DamagedArtifact, NothingToRollBack
from predictor.models import Artifact, ArtifactChunk, Promotion, Version
from predictor.schema import Schema
from predictor.serving.artifact import (
    Identity,
    build_manifest,
    join_chunks,
    open_manifest,
    sign_manifest,
    split_chunks,
    verify_bytes,
    write_manifest,
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A trained model that has no number yet. `pickled` are the bytes that will be signed."""

    model: str
    title: str
    description: str
    estimator: str
    schema: Schema
    libraries: dict[str, str]
    code: str | None
    metrics: dict[str, Any]
    profile: dict[str, Any]
    split: dict[str, Any]
    data: dict[str, Any]
    pickled: bytes


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was decided about a candidate, against which live version (None where there was none), in JSON."""

    promoted: bool
    reason: str
    champion_id: int | None
    decision: dict[str, Any]


def register(candidate: Candidate, judgement: Judgement, *, by: str) -> Version | None:
    """Store a candidate as the next version of its model and, if so judged, promote it: all of it, or nothing.

    None, and nothing stored, when another version than the one it was judged against is live by now.
    """
    # Compressing takes a while for a large forest, and nobody should wait for it inside the transaction.
    chunks = list(split_chunks(candidate.pickled))
    with transaction.atomic(durable=True):
        lock_registry()
        champion = Version.objects.find_live(candidate.model)
        if (champion and champion.id) != judgement.champion_id:
            return None
        version = _create_version(candidate, judgement)
        _store_artifact(version, candidate, chunks)
        if judgement.promoted:
            _append_promotion(version, by=by, reason=judgement.reason)
    return version


def promote(version: Version, *, by: str, reason: str) -> Promotion | None:
    """Make a version live, whether it is newer or older than the one that is; None when it is live already.

    Raises ArtifactError, and changes nothing, when this build could not load it.
    """
    read_verified(version, Artifact.Kind.PICKLE)
    with transaction.atomic(durable=True):
        lock_registry()
        if Version.objects.live().filter(id=version.id).exists():
            return None
        return _append_promotion(version, by=by, reason=reason)


def roll_back(model: str, *, by: str, reason: str) -> Promotion:
    """Go back to the version that was live before: one step along the log for each call.

    Raises NothingToRollBack at the log's beginning, and ArtifactError when this build could not load that
    version; either changes nothing.
    """
    with transaction.atomic(durable=True):
        lock_registry()
        log = Promotion.objects.filter(version__model=model).select_related("version", "restores__version")
        newest = log.order_by("-id").first()
        before = newest and log.filter(id__lt=newest.origin.id).order_by("-id").first()
        if before is None:
            raise NothingToRollBack(f"{model} has no promotion before the one that is live")
        target = before.origin
        try:
            read_verified(target.version, Artifact.Kind.PICKLE)
        except ArtifactError as error:
            hint = "promote an older one with `manage.py promote`"
            raise ArtifactError(f"{target.version} was live before, but {error}; {hint}") from error
        return _append_promotion(target.version, by=by, reason=reason, restores=target)


def lock_registry() -> None:
    """Let one transaction at a time number versions and append promotions; readers never wait.

    So numbers have no holes, and the order of promotion ids is the order of their commits. On SQLite
    an IMMEDIATE transaction is alone by itself.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Promotion._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


def read_verified(version: Version, kind: str) -> tuple[dict[str, Any], bytes]:
    """Read an artifact's opened manifest and its bytes, verified but not loaded. Raises ArtifactError."""
    artifact = Artifact.objects.filter(version=version, kind=kind).first()
    if artifact is None:
        raise DamagedArtifact(f"it has no {kind}")
    identity = Identity(model=version.model, number=version.number, kind=kind)
    content = open_manifest(artifact.manifest, artifact.signature, identity)
    data = join_chunks(_read_chunks(artifact), content["size"])
    verify_bytes(content, data)
    return content, data


def _create_version(candidate: Candidate, judgement: Judgement) -> Version:
    return Version.objects.create(
        model=candidate.model,
        number=Version.objects.next_number(candidate.model),
        title=candidate.title,
        description=candidate.description,
        estimator=candidate.estimator,
        schema=candidate.schema.to_json(),
        metrics=candidate.metrics,
        profile=candidate.profile,
        split=candidate.split,
        data=candidate.data,
        decision=judgement.decision,
        libraries=candidate.libraries,
    )


def _store_artifact(version: Version, candidate: Candidate, chunks: list[bytes]) -> None:
    kind = Artifact.Kind.PICKLE
    identity = Identity(model=version.model, number=version.number, kind=kind)
    content = build_manifest(identity, candidate.schema, candidate.pickled, candidate.code)
    manifest = write_manifest(content)
    artifact = Artifact.objects.create(
        version=version,
        kind=kind,
        sha256=content["sha256"],
        size=content["size"],
        manifest=manifest,
        signature=sign_manifest(manifest),
    )
    for number, data in enumerate(chunks):
        ArtifactChunk.objects.create(artifact=artifact, number=number, data=data)


def _append_promotion(version: Version, *, by: str, reason: str, restores: Promotion | None = None) -> Promotion:
    previous = Version.objects.find_live(version.model)
    return Promotion.objects.create(
        version=version, previous=previous, promoted_by=by, reason=reason, restores=restores
    )


def _read_chunks(artifact: Artifact) -> Iterator[bytes]:
    numbers = artifact.chunks.values_list("number", flat=True)
    for number in list(numbers):
        yield bytes(artifact.chunks.values_list("data", flat=True).get(number=number))
