"""Where predictions were made by the API before there were keys, it stays open to everybody until API_ACCESS is set."""

from typing import Any

from django.db import migrations, models


def keep_public(apps: Any, schema_editor: Any) -> None:
    """Ask version by version, which an index answers, also of a long history."""
    database = schema_editor.connection.alias
    versions = apps.get_model("predictor", "Version").objects.using(database).values_list("id", flat=True)
    predictions = apps.get_model("predictor", "Prediction").objects.using(database)
    if any(predictions.filter(version_id=version, source="api").exists() for version in list(versions)):
        sites = apps.get_model("predictor", "Site").objects.using(database)
        sites.update_or_create(id=1, defaults={"api_access": "public"})


class Migration(migrations.Migration):
    dependencies = [
        ("predictor", "0022_web_processes"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="api_access",
            field=models.CharField(
                db_default="keys",
                default="keys",
                editable=False,
                help_text="Who may predict by the API where API_ACCESS does not say.",
                max_length=10,
            ),
        ),
        migrations.RunPython(keep_public, migrations.RunPython.noop, elidable=False),
    ]
