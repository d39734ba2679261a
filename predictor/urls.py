from django.urls import path

from predictor.web import views

urlpatterns = [
    path("", views.show_default, name="default"),
    path("favicon.ico", views.show_icon, name="icon"),
    path("healthz", views.show_health, name="health"),
    path("readyz", views.show_readiness, name="readiness"),
    path("predictions/<uuid:id>/", views.show_prediction, name="prediction"),
    path("about/<slug:slug>/", views.show_about, name="about"),
    path("<slug:slug>/", views.show_model, name="model"),
]
