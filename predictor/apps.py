from django.apps import AppConfig


class PredictorConfig(AppConfig):
    name = "predictor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing registers them.
        from predictor.checks import (  # noqa: F401
            api_access,
            brand,
            cluster,
            database,
            form_access,
            live_versions,
            reachability,
            required_settings,
            static_files,
            stored_recipes,
        )
