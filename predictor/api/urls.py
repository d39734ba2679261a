"""The addresses of the API. predictor.api.middleware resolves them before any middleware that only pages need."""

from django.urls import include, path, re_path

from predictor.api import document, views
from predictor.api.operations import Route, refuse_address

others = [
    path("v1/openapi.json", Route(document.describe_api), name="openapi"),
    re_path("", refuse_address),
]
urlpatterns = [
    # It is asked for the most, and pages of the site pass by the others with one comparison.
    path("api/v1/models/<slug:slug>/predict", Route(views.predict), name="predict"),
    path("api/", include(others)),
]
