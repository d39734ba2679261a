from django.db import migrations, models


class Migration(migrations.Migration):
    """Both nullable, since processes of the former build go on to store rows without them."""

    dependencies = [
        ("predictor", "0005_retirements"),
    ]

    operations = [
        migrations.AddField(
            model_name="version",
            name="translations",
            field=models.JSONField(help_text="The title and the description by the code of a language.", null=True),
        ),
        migrations.AddField(
            model_name="prediction",
            name="warning_codes",
            field=models.JSONField(help_text="The same as codes with values; null from former builds.", null=True),
        ),
    ]
