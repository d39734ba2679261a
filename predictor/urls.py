from django.urls import path

from predictor.web import (
    about,
    answers,
    brand,
    comparing,
    embed,
    home,
    own_answers,
    reasons,
    recording,
    reuse,
    trials,
    two_answers,
    views,
)
from predictor.web.switcher import HOME_SLUG

urlpatterns = [
    path("", home.show_default, name="default"),
    path("models/", home.show_home, {"slug": HOME_SLUG}, name="home"),
    path("predictions/", own_answers.show_own_answers, name="own"),
    # A form is asked for the most. What has more parts is below, and names of one part are above.
    path("<slug:slug>/", views.show_model, name="model"),
    path("favicon.ico", views.show_icon, name="icon"),
    path("site-<str:digest>.css", brand.show_style, name="style"),
    path("healthz", views.show_health, name="health"),
    path("readyz", views.show_readiness, name="readiness"),
    path("predictions/<uuid:id>/", answers.show_prediction, name="prediction"),
    path("predictions/<uuid:id>/change/", reuse.change_inputs, name="change"),
    path("predictions/<uuid:id>/api/", reuse.show_examples, name="examples"),
    path("predictions/<uuid:id>/try/", trials.show_trial_form, name="try"),
    path("predictions/<uuid:id>/reasons/", reasons.show_reasons, name="reasons"),
    path("predictions/<uuid:id>/curve/", reasons.show_curve, name="curve"),
    path("predictions/<uuid:id>/outcome/", recording.record_outcome, name="outcome"),
    path("predictions/<uuid:id>/report/", recording.report_outcome, name="report"),
    path("predictions/<uuid:id>/compare/", two_answers.choose_other, name="choose_answer"),
    path("predictions/<uuid:id>/compare/<uuid:other>/", two_answers.compare_answers, name="two_answers"),
    path("about/<slug:slug>/", about.show_about, name="about"),
    path("about/<slug:slug>/compare/", comparing.show_comparison, name="compare"),
    path("about/<slug:slug>/<int:number>/", about.show_version, name="version"),
    path("about/<slug:slug>/<int:number>/<slug:name>.svg", about.show_figure, name="figure"),
    path("<slug:slug>/try/", trials.try_inputs, name="trial"),
    path("<slug:slug>/embed/", embed.show_form, name="embed"),
    path("<slug:slug>/embed/<uuid:id>/", embed.show_prediction, name="embedded_prediction"),
    path("<slug:slug>/embed/<uuid:id>/change/", embed.change_inputs, name="embedded_change"),
]
