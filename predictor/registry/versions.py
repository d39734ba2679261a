"""Writes versions and promotions, and reads artifacts back, verified."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import Count, Max, Min, Sum
from django.db.models.functions import Length

from predictor.alerts import announce
from predictor.exceptions import ArtifactError, DamagedArtifact, ModelRetired, VersionIsLive
from predictor.models import Artifact, ArtifactChunk, Figure, Kept, Promotion, Retirement, Site, Version
from predictor.registry.artifact import check_usable, find_compiled_libraries, verify_bytes
from predictor.registry.candidate import Candidate, Judgement
from predictor.registry.manifest import build_manifest, reduce_manifest, write_manifest
from predictor.registry.packing import Package, check_lengths, join_chunks
from predictor.registry.signatures import sign_manifest
from predictor.registry.trust import find_identity, open_artifact


def register(
    candidate: Candidate, judgement: Judgement, *, by: str, also: Callable[[Version], None] | None = None
) -> Version | None:
    """Store a candidate as the next version of its model and, if so judged, promote it: all of it, or nothing.

    None, and nothing is stored, where another version has become live than the one it was compared with, or where the
    model was retired or brought back since it was judged. What `also` writes is committed in the same transaction.
    """
    with transaction.atomic(durable=True):
        lock_registry()
        champion = Version.objects.find_live(candidate.model)
        is_retired = Retirement.objects.find(candidate.model) is not None
        if ((champion and champion.id), is_retired) != (judgement.champion_id, judgement.is_retired):
            return None
        version = _create_version(candidate, judgement)
        _store_artifacts(version, candidate)
        Figure.objects.bulk_create(
            Figure(version=version, name=drawn.name, title=drawn.title, svg=drawn.svg) for drawn in candidate.drawings
        )
        Kept.objects.bulk_create(
            Kept(version=version, name=name, content=content) for name, content in candidate.kept.items()
        )
        if judgement.promoted:
            append_promotion(version, by=by, reason=judgement.reason)
        else:
            _announce("model.kept_back", version, champion, by=by, reason=judgement.reason)
        if also is not None:
            also(version)
    return version


def promote(version: Version, *, by: str, reason: str) -> Promotion | None:
    """Make a version live, whether newer or older than the live one; None where it already is.

    Raises ArtifactError where this build cannot load it, and ModelRetired; either changes nothing.
    """
    with transaction.atomic(durable=True):
        lock_registry()
        refuse_retired(version)
        # Under the lock: before, its artifact may be pruned.
        verify_servable(version)
        if Version.objects.live().filter(id=version.id).exists():
            return None
        return append_promotion(version, by=by, reason=reason)


def prune(model: str, *, keep: int, dry_run: bool = False) -> list[Version]:
    """Drop the artifacts, never the rows, of a model's versions that never were live, except the newest `keep`.

    Returns the versions whose artifacts are dropped; they can never go live again.
    """
    with transaction.atomic(durable=True):
        lock_registry()
        never_live = Version.objects.filter(model=model, promotions=None).order_by("-number")
        kept = list(never_live.values_list("id", flat=True)[:keep])
        pruned = list(never_live.exclude(id__in=kept).filter(artifacts__isnull=False).distinct())
        if not dry_run:
            _drop_artifacts(pruned)
    return pruned


def prune_chosen(model: str, numbers: Collection[int], *, dry_run: bool = False) -> list[Version]:
    """Drop all that was computed from the training rows of these versions, except their rows; returns the versions.

    They can never go live again. Raises VersionIsLive for a live one.
    """
    with transaction.atomic(durable=True):
        lock_registry()
        chosen = Version.objects.filter(model=model, number__in=numbers).order_by("number")
        live = Version.objects.find_live(model)
        if live is not None and live.number in numbers:
            raise VersionIsLive(f"{live} is live: first make another version live, by a retrain or a rollback")
        if not dry_run:
            for kept in (Kept, Figure):
                kept.objects.filter(version__in=chosen).delete()
            _drop_artifacts(chosen)
    return list(chosen)


def _drop_artifacts(versions: Iterable[Version]) -> None:
    ArtifactChunk.objects.filter(artifact__version__in=versions).delete()
    Artifact.objects.filter(version__in=versions).delete()


def lock_registry() -> None:
    """Let one transaction at a time number versions and append promotions; readers never wait.

    So numbers have no holes, and the order of promotion ids is the order of their commits. On SQLite
    an IMMEDIATE transaction is alone by itself.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Promotion._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


def refuse_retired(version: Version) -> None:
    """Raise ModelRetired where the version's model is retired: a promotion makes a version live at once."""
    retirement = Retirement.objects.find(version.model)
    if retirement is not None:
        raise ModelRetired(version.model, version.title, retirement.recorded_at)


def append_promotion(version: Version, *, by: str, reason: str, restores: Promotion | None = None) -> Promotion:
    """Add a promotion to the log and, once it is committed, tell the webhook."""
    previous = Version.objects.find_live(version.model)
    promotion = Promotion.objects.create(
        version=version, previous=previous, promoted_by=by, reason=reason, restores=restores
    )
    _announce("model.promoted", version, previous, by=by, reason=reason, is_rollback=restores is not None)
    return promotion


def _announce(type: str, version: Version, former: Version | None, **told: Any) -> None:
    data = {"model": version.model, "version": version.number, "former": former and former.number, **told}
    transaction.on_commit(lambda: announce(type, data))


def read_verified(version: Version, kind: str) -> tuple[dict[str, Any], bytearray]:
    """Read an artifact's opened manifest and its bytes, verified but not loaded. Raises ArtifactError."""
    artifact = Artifact.objects.filter(version=version, kind=kind).first()
    if artifact is None:
        raise DamagedArtifact(f"it has no {kind}; `manage.py prune_versions` drops those that never were live")
    artifact.version = version
    content = open_artifact(artifact, Site.objects.find())
    check_usable(content)
    data = join_chunks(_read_chunks(artifact, content["size"]), content["size"])
    verify_bytes(content, data)
    return content, data


def verify_servable(version: Version) -> None:
    """Raise the pickle's ArtifactError where neither the compiled model nor the pickle can be loaded here."""
    try:
        read_verified(version, Artifact.Kind.ONNX)
    except ArtifactError:
        read_verified(version, Artifact.Kind.PICKLE)


def is_any_servable() -> bool:
    """Whether any served version can be loaded here."""
    for version in Version.objects.served():
        try:
            verify_servable(version)
        except ArtifactError:
            continue
        return True
    return False


def _create_version(candidate: Candidate, judgement: Judgement) -> Version:
    return Version.objects.create(
        model=candidate.model,
        number=Version.objects.next_number(candidate.model),
        title=candidate.title,
        description=candidate.description,
        translations=candidate.translations or None,
        access=candidate.access,
        estimator=candidate.estimator,
        schema=candidate.schema.to_json(),
        metrics=msgspec.to_builtins(candidate.metrics),
        profile=msgspec.to_builtins(candidate.profile),
        layout=msgspec.to_builtins(candidate.layout),
        split=msgspec.to_builtins(candidate.split),
        data=msgspec.to_builtins(candidate.data),
        decision=msgspec.to_builtins(judgement.decision),
        libraries=candidate.libraries,
        report=msgspec.to_builtins(candidate.report) if candidate.report else {},
        interval=msgspec.to_builtins(candidate.interval),
    )


def _store_artifacts(version: Version, candidate: Candidate) -> None:
    pickled, compiled = candidate.package, candidate.compiled
    _store_artifact(
        version, candidate, Artifact.Kind.PICKLE, pickled, code=candidate.code, libraries=candidate.libraries
    )
    if compiled is not None:
        _store_artifact(version, candidate, Artifact.Kind.ONNX, compiled, libraries=find_compiled_libraries())


def _store_artifact(
    version: Version,
    candidate: Candidate,
    kind: Artifact.Kind,
    package: Package,
    *,
    libraries: dict[str, str],
    code: str | None = None,
) -> None:
    artifact = Artifact(version=version, kind=kind, sha256=package.sha256, size=package.size)
    content = build_manifest(
        find_identity(artifact, Site.objects.find()),
        candidate.schema,
        interval=msgspec.to_builtins(candidate.interval),
        size=package.size,
        sha256=package.sha256,
        code=code,
        libraries=libraries,
    )
    artifact.manifest_2 = write_manifest(content)
    artifact.signature_2 = sign_manifest(artifact.manifest_2)
    if reduced := reduce_manifest(content):
        artifact.manifest = write_manifest(reduced)
        artifact.signature = sign_manifest(artifact.manifest)
    artifact.save(force_insert=True)
    for number, data in enumerate(package.chunks):
        ArtifactChunk.objects.create(artifact=artifact, number=number, data=data)


def _read_chunks(artifact: Artifact, size: int) -> Iterator[bytes]:
    """Read an artifact's chunks one by one, once their lengths, which no chunk is read for, fit its signed size."""
    length = Length("data")
    check_lengths(
        size,
        **artifact.chunks.aggregate(count=Count("id"), total=Sum(length), shortest=Min(length), longest=Max(length)),
    )
    numbers = artifact.chunks.values_list("number", flat=True)
    for number in list(numbers):
        data = artifact.chunks.values_list("data", flat=True).get(number=number)
        if isinstance(data, str):  # SQLite stores values of any type.
            raise DamagedArtifact(f"its chunk {number} is text")
        yield bytes(data)
