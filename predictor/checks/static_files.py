"""Whether `manage.py collectstatic` has run: the manifest storage raises for each file that it does not list."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from django.apps import apps
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import CheckMessage, Warning, register


@register()
def check_static_files(**kwargs: Any) -> Iterable[CheckMessage]:
    """Static files were collected, without which no page can be rendered; a warning, as `migrate` needs none."""
    if missing := find_uncollected():
        problem = f"Static files were not collected ({len(missing)}, such as {missing[0]}): every page would be a 500."
        yield Warning(problem, hint="Run `manage.py collectstatic --noinput`.", id="predictor.W003")


def find_uncollected() -> list[str]:
    """The names of static files that pages cannot refer to, sorted; none where the storage needs no collecting."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return []
    collected, ignored = staticfiles_storage.hashed_files, apps.get_app_config("staticfiles").ignore_patterns
    names = {PurePosixPath(path).as_posix() for finder in get_finders() for path, _ in finder.list(ignored)}
    return sorted(name for name in names if name not in collected or not staticfiles_storage.exists(collected[name]))
