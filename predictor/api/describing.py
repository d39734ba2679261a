"""The operations that describe models: what each takes, how good it is, and how it does now."""

from predictor.api.admission import may_see
from predictor.api.bodies import Refused
from predictor.api.described import (
    ListedModel,
    ListedVersion,
    Model,
    ModelList,
    ModelQuality,
    ModelVersion,
    VersionList,
    describe_model,
    describe_quality,
    describe_version,
    find_live_since,
    list_model,
    list_version,
)
from predictor.api.operations import ApiRequest, operation
from predictor.api.parameters import CURSOR, LIMIT, read_cursor, read_each, read_limit, read_parameters, write_cursor
from predictor.exceptions import ModelNotFound
from predictor.models import Monitoring, Version

NUMBER_BYTES = 4
# What a list of models shows.
LISTED = ("model", "number", "title", "description", "schema")


@operation("GET", response=ModelList)
def list_models(request: ApiRequest) -> ModelList:
    """List the models, each with its live version."""
    read_parameters(request)
    live = Version.objects.live().with_retired_at().only(*LISTED).order_by("model")
    shown = [version for version in live if may_see(request.caller, version.model)]
    return ModelList(models=[ListedModel(**list_model(version)) for version in shown])


@operation("GET", response=Model, statuses=(404,))
def get_model(request: ApiRequest, slug: str) -> Model:
    """Describe a model by its live version: its inputs and its output as JSON Schema, and how good it is."""
    read_parameters(request)
    version = Version.objects.with_retired_at().find_live(slug)
    if version is None:
        raise ModelNotFound(f"there is no model {slug!r}")
    return describe_model(version)


@operation("GET", response=VersionList, parameters=(LIMIT, CURSOR), statuses=(400, 404))
def list_versions(request: ApiRequest, slug: str) -> VersionList:
    """List the versions of a model, the newest first, with what was decided about each."""
    given = read_parameters(request, {"limit", "cursor"})
    limit, place = read_each(lambda: read_limit(given), lambda: read_cursor(f"versions {slug}", given, NUMBER_BYTES))
    versions = Version.objects.filter(model=slug).order_by("-number")
    if place is not None:
        versions = versions.filter(number__lt=int.from_bytes(place, "big"))
    found = list(versions.only("model", "number", "created_at", "estimator", "metrics", "decision")[: limit + 1])
    if not found and place is None:
        raise ModelNotFound(f"there is no model {slug!r}")
    live, shown = find_live_since(slug), found[:limit]
    return VersionList(
        model=slug,
        versions=[ListedVersion(**list_version(version, live)) for version in shown],
        next=_write_place(slug, shown[-1].number) if len(found) > limit else None,
    )


@operation("GET", response=ModelVersion, statuses=(404,))
def get_version(request: ApiRequest, slug: str, number: int) -> ModelVersion:
    """Describe one version of a model, live or not: its inputs and its output as JSON Schema, and how good it is."""
    read_parameters(request)
    version = Version.objects.filter(model=slug, number=number).first()
    if version is None:
        raise Refused(404, "version_not_found", f"There is no version {number} of the model {slug!r}.")
    return describe_version(version)


@operation("GET", response=ModelQuality, statuses=(404,))
def get_quality(request: ApiRequest, slug: str) -> ModelQuality:
    """Say how a model does now, as `manage.py monitor` found last: by outcomes, estimated, and by drift."""
    read_parameters(request)
    if not Version.objects.filter(model=slug).exists():
        raise ModelNotFound(f"there is no model {slug!r}")
    stored = Monitoring.objects.find_newest(slug)
    result = stored.parsed_result if stored else None
    if stored is None or result is None:
        problem = f"Nothing is stored about how {slug!r} does now: `manage.py monitor` computes it."
        raise Refused(404, "quality_not_found", problem)
    return describe_quality(stored, result)


def _write_place(slug: str, number: int) -> str:
    return write_cursor(f"versions {slug}", number.to_bytes(NUMBER_BYTES, "big"))
