"""The addresses of the API, which predictor.api.middleware resolves before any middleware that only pages need."""

from django.urls import path

from predictor.api import views

urlpatterns = [
    path("api/v1/models/<slug:slug>/predict", views.predict, name="predict"),
]
