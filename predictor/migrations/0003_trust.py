import uuid
from typing import Any

from django.db import migrations, models
from django.utils import timezone


def make_site(apps: Any, schema_editor: Any) -> None:
    """Give the database its id; one that holds no artifact of an earlier build accepts format 2 alone at once."""
    holds_artifacts = apps.get_model("predictor", "Artifact").objects.exists()
    apps.get_model("predictor", "Site").objects.create(strict_since=None if holds_artifacts else timezone.now())


class Migration(migrations.Migration):
    """Processes of the build before go on as they are: the new columns have defaults, and nothing else changes."""

    dependencies = [
        ("predictor", "0002_reports_and_outcomes"),
    ]

    operations = [
        migrations.AddField(
            model_name="artifact",
            name="manifest_2",
            field=models.TextField(db_default="", default="", help_text="The same in format 2."),
        ),
        migrations.AddField(
            model_name="artifact",
            name="signature_2",
            field=models.CharField(db_default="", default="", max_length=64),
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, help_text="Signed with each artifact.")),
                (
                    "strict_since",
                    models.DateTimeField(
                        editable=False,
                        help_text="Since when artifacts that are signed in format 1 alone are refused.",
                        null=True,
                    ),
                ),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="site_only_one")],
            },
        ),
        migrations.RunPython(make_site, migrations.RunPython.noop),
    ]
