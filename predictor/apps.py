from django.apps import AppConfig


class PredictorConfig(AppConfig):
    name = "predictor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from predictor import checks  # noqa: F401  # Importing it registers the checks.
