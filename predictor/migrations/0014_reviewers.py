"""Makes the group “reviewers”: who is in it looks at the history and records outcomes, and may do nothing else."""

from typing import Any

from django.db import migrations

NAME = "reviewers"
MAY = {
    "prediction": ["view"],
    "version": ["view"],
    "promotion": ["view"],
    "outcome": ["view", "add"],
}


def make_group(apps: Any, schema_editor: Any) -> None:
    """Leave a group of this name as it is where there is one. Django makes permissions only after all migrations."""
    database = schema_editor.connection.alias
    group, is_new = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=NAME)
    if not is_new:
        return
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    for model, verbs in MAY.items():
        of, _ = types.get_or_create(app_label="predictor", model=model)
        for verb in verbs:
            named = {"defaults": {"name": f"Can {verb} {model}"}}
            group.permissions.add(permissions.get_or_create(content_type=of, codename=f"{verb}_{model}", **named)[0])


class Migration(migrations.Migration):
    dependencies = [
        ("predictor", "0013_outcome_queue"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_group, migrations.RunPython.noop, elidable=False)]
