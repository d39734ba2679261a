"""Decides whether a stored artifact is trusted: by its signature, the version it was signed for, and its format."""

from typing import Any

from predictor.exceptions import DamagedArtifact, RetiredFormat, UntrustedArtifact
from predictor.models import Artifact, Site, Version
from predictor.record.interval import read_interval
from predictor.registry.manifest import Identity, extend_manifest, open_manifest


def open_artifact(artifact: Artifact, site: Site, *, accepts_format_1: bool | None = None) -> dict[str, Any]:
    """Verify an artifact's manifest, and read it in format 2; its bytes are neither read nor verified.

    All of its manifests must be signed. One with format 1 alone is accepted where `manage.py resign` has not run yet,
    unless `accepts_format_1` is given; its interval is then the version's own, which format 1 did not sign.
    Raises UntrustedArtifact, and DamagedArtifact for an invalid interval.
    """
    identity = find_identity(artifact, site)
    if artifact.manifest or not artifact.manifest_2:
        signed = open_manifest(artifact.manifest, artifact.signature, identity, format=1)
        content = extend_manifest(signed, database=identity.database, interval=artifact.version.interval)
    if artifact.manifest_2:
        content = open_manifest(artifact.manifest_2, artifact.signature_2, identity)
    try:
        read_interval(content["interval"])
    except ValueError as error:
        raise DamagedArtifact(str(error)) from error
    accepts = site.strict_since is None if accepts_format_1 is None else accepts_format_1
    if not artifact.manifest_2 and not accepts:
        raise RetiredFormat("it is signed in format 1 alone, which this database no longer accepts")
    return content


def find_identity(artifact: Artifact, site: Site) -> Identity:
    version = artifact.version
    return Identity(database=str(site.uuid), model=version.model, number=version.number, kind=artifact.kind)


def explain_distrust(version: Version, error: UntrustedArtifact) -> str:
    """Explain why a live version is not trusted, and what to do."""
    replace = f"`manage.py retrain {version.model} --replace-untrusted`"
    return f"{version} is live but not trusted here: {error}. Left alone; {error.remedy}, or replace it by {replace}."
