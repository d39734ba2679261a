"""The addresses of the API. predictor.api.middleware resolves them before any middleware that only pages need."""

from django.urls import include, path, re_path, register_converter
from django.urls.converters import UUIDConverter

from predictor.api import describing, docs, document, mlflow, outcomes, predictions, reasons, trying, views
from predictor.api.operations import Route, refuse_address


class IdConverter(UUIDConverter):
    """The id of a prediction; some languages write its letters as capitals."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


register_converter(IdConverter, "id")
others = [
    path("docs", docs.show_docs, name="docs"),
    path("v1/openapi.json", Route(document.describe_api), name="openapi"),
    path("v1/models", Route(describing.list_models), name="api_models"),
    path("v1/models/<slug:slug>", Route(describing.get_model), name="api_model"),
    path("v1/models/<slug:slug>/versions", Route(describing.list_versions), name="api_versions"),
    path("v1/models/<slug:slug>/versions/<int:number>", Route(describing.get_version), name="api_version"),
    path("v1/models/<slug:slug>/quality", Route(describing.get_quality), name="api_quality"),
    path("v1/models/<slug:slug>/try", Route(trying.try_inputs), name="api_try"),
    path("v1/models/<slug:slug>/predictions", Route(predictions.list_predictions), name="api_predictions"),
    path("v1/predictions/<id:id>", Route(predictions.get_prediction), name="api_prediction"),
    path("v1/models/<slug:slug>/outcomes", Route(outcomes.record_outcomes), name="api_outcomes"),
    path("v1/predictions/<id:id>/outcome", Route(outcomes.record_outcome), name="api_outcome"),
    path("v1/predictions/<id:id>/reasons", Route(reasons.get_reasons), name="api_reasons"),
    re_path("", refuse_address),
]
urlpatterns = [
    # It is asked for the most, and pages of the site pass by the others with one comparison.
    path("api/v1/models/<slug:slug>/predict", Route(views.predict), name="predict"),
    path("api/", include(others)),
    path("invocations", mlflow.invoke, name="invocations"),
    path("invocations/", mlflow.redirect, name="invocations_slash"),
    path("ping", mlflow.ping, name="mlflow_ping"),
    path("health", mlflow.ping, name="mlflow_health"),
    path("version", mlflow.show_version, name="mlflow_version"),
]
