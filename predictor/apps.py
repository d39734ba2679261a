from django.apps import AppConfig


class PredictorConfig(AppConfig):
    name = "predictor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from predictor.checks import live_versions, required_settings  # noqa: F401  # Importing registers them.
