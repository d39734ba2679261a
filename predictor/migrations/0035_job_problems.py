from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("predictor", "0034_kept_chunks_as_they_are"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="problem",
            field=models.JSONField(
                editable=False,
                help_text="The error as a page says it, where it is of a known kind: JobProblem.",
                null=True,
            ),
        ),
    ]
