"""Signs artifacts of earlier builds in today's format, in addition to the signature that their processes still read."""

from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from predictor.exceptions import ArtifactError, UntrustedArtifact
from predictor.models import Artifact, Site, Version
from predictor.registry.manifest import write_manifest
from predictor.registry.signatures import find_key, sign_manifest
from predictor.registry.trust import explain_distrust, open_artifact
from predictor.registry.versions import lock_registry


@dataclass(kw_only=True)
class Resigned:
    """What was done: the number of artifacts `extended` to format 2, and `rotated` to the current key.

    `refused` says why artifacts were not signed, and `distrusted` what to do about live versions without a trusted
    artifact; `is_strict` is true where format 1 alone is no longer accepted.
    """

    extended: int = 0
    rotated: int = 0
    refused: list[str] = field(default_factory=list)
    distrusted: list[str] = field(default_factory=list)
    is_strict: bool = False


def resign_artifacts(*, rotate: bool = False, accept_format_1: bool = False) -> Resigned:
    """Add the signature of format 2 where there is none, with the key of the first signature.

    With `rotate`, all signatures are renewed with MODEL_SIGNING_KEY. From the first time that every served version is
    trusted, artifacts that have format 1 alone are refused, here too unless with `accept_format_1`. In one transaction;
    serving processes are not affected.
    """
    done = Resigned()
    with transaction.atomic(durable=True):
        lock_registry()
        site = Site.objects.find()
        accepts_format_1 = accept_format_1 or site.strict_since is None
        wanted = Q() if rotate else Q(manifest_2="")
        # One at a time: manifests may be large.
        for id in list(Artifact.objects.filter(wanted).order_by("id").values_list("id", flat=True)):
            _resign(Artifact.objects.select_related("version").get(id=id), site, done, accepts_format_1, rotate)
        # A retired model serves nothing, and stops no release.
        done.distrusted = [reason for version in Version.objects.served() if (reason := _find_distrust(version, site))]
        if site.strict_since is None and not done.distrusted:
            site.strict_since = timezone.now()
            site.save(update_fields=["strict_since"])
    done.is_strict = site.strict_since is not None
    return done


def _resign(artifact: Artifact, site: Site, done: Resigned, accepts_format_1: bool, rotate: bool) -> None:
    try:
        content = open_artifact(artifact, site, accepts_format_1=accepts_format_1)
    except ArtifactError as error:
        done.refused.append(f"{artifact}: {error}")
        return
    if not artifact.manifest_2:
        # With the same key, so that every process that trusted it still does.
        key = find_key(artifact.manifest, artifact.signature)
        artifact.manifest_2 = write_manifest(content)
        artifact.signature_2 = sign_manifest(artifact.manifest_2, key)
        done.extended += 1
    if rotate:
        before = artifact.signature, artifact.signature_2
        artifact.signature_2 = sign_manifest(artifact.manifest_2)
        artifact.signature = sign_manifest(artifact.manifest) if artifact.manifest else ""
        done.rotated += (artifact.signature, artifact.signature_2) != before
    artifact.save(update_fields=["signature", "manifest_2", "signature_2"])


def _find_distrust(version: Version, site: Site) -> str | None:
    """Why none of a version's artifacts is trusted, and what to do; None where one is trusted, or only damaged."""
    reason = None
    for artifact in Artifact.objects.filter(version=version).select_related("version").order_by("-kind"):
        try:
            open_artifact(artifact, site, accepts_format_1=site.strict_since is None)
        except UntrustedArtifact as error:
            reason = reason or explain_distrust(version, error)
        except ArtifactError:
            return None
        else:
            return None
    return reason
