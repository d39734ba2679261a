"""What programs may ask for; predictor.api.middleware looks here before anything that only pages need."""

from django.urls import path

from predictor.api import views

urlpatterns = [
    path("api/v1/models/<slug:slug>/predict", views.predict, name="predict"),
]
