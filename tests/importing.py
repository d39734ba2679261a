"""Calls importmodel with a model in parts, as files of a folder."""

import pickle

import pytest
from django.core.management import CommandError, call_command

from predictor.models import Version


def import_parts(folder, slug, files, sample, target, *arguments):
    """Pickle each part to a file of its name, and import them with the sample."""
    paths = [folder / f"{name}.pkl" for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(pickle.dumps(content))
    sample.to_csv(folder / "sample.csv", index=False)
    options = ("--data", folder / "sample.csv", "--target", target, "--trust")
    call_command("importmodel", slug, *map(str, (*paths, *options)), *arguments)


def refuse(bring, *arguments, **options):
    """The error of an import, after which nothing is stored."""
    with pytest.raises(CommandError) as error:
        bring(*arguments, **options)
    assert error.value.returncode == 1
    assert not Version.objects.exists()
    return str(error.value)
