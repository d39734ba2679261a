from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("predictor", "0012_monitoring"),
    ]

    operations = [
        migrations.AddField(
            model_name="outcome",
            name="queue",
            field=models.CharField(
                choices=[("random", "random"), ("uncertain", "uncertain first"), ("unusual", "unusual first")],
                editable=False,
                help_text="The queue that asked for it; null where none did, and from former builds.",
                max_length=9,
                null=True,
                verbose_name="asked for",
            ),
        ),
    ]
