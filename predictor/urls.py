from django.urls import path

from predictor.web import about, brand, comparing, home, views
from predictor.web.switcher import HOME_SLUG

urlpatterns = [
    path("", home.show_default, name="default"),
    path("models/", home.show_home, {"slug": HOME_SLUG}, name="home"),
    path("favicon.ico", views.show_icon, name="icon"),
    path("site-<str:digest>.css", brand.show_style, name="style"),
    path("healthz", views.show_health, name="health"),
    path("readyz", views.show_readiness, name="readiness"),
    path("predictions/<uuid:id>/", views.show_prediction, name="prediction"),
    path("predictions/<uuid:id>/outcome/", views.record_outcome, name="outcome"),
    path("about/<slug:slug>/", about.show_about, name="about"),
    path("about/<slug:slug>/compare/", comparing.show_comparison, name="compare"),
    path("about/<slug:slug>/<int:number>/", about.show_version, name="version"),
    path("about/<slug:slug>/<int:number>/<slug:name>.svg", about.show_figure, name="figure"),
    path("<slug:slug>/", views.show_model, name="model"),
]
