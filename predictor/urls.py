from django.urls import path

from predictor.web import views

urlpatterns = [
    path("", views.show_default, name="default"),
    path("favicon.ico", views.show_icon, name="icon"),
    path("healthz", views.show_health, name="health"),
    path("readyz", views.show_readiness, name="readiness"),
    path("predictions/<uuid:id>/", views.show_prediction, name="prediction"),
    path("predictions/<uuid:id>/outcome/", views.record_outcome, name="outcome"),
    path("about/<slug:slug>/", views.show_about, name="about"),
    path("about/<slug:slug>/<int:number>/", views.show_version, name="version"),
    path("about/<slug:slug>/<int:number>/<slug:name>.svg", views.show_figure, name="figure"),
    path("<slug:slug>/", views.show_model, name="model"),
]
