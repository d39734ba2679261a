"""Who may see a model's form and its pages: everybody, or only users who have signed in."""

from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings

PUBLIC, LOGIN = "public", "login"
EXPECTED = "public or login and, after commas, exceptions such as houses=login"


@dataclass(frozen=True, kw_only=True)
class FormAccess:
    """What FORM_ACCESS says: for models whose recipe says nothing, and for those it names, whatever that says."""

    default: str
    models: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=8)
def read_form_access(text: str) -> FormAccess:
    """Read FORM_ACCESS. Raises ValueError, which names the wrong part."""
    default, *others = [part.strip() for part in text.split(",")]
    models = {}
    for part in others:
        model, _equals, access = (each.strip() for each in part.partition("="))
        models[model] = check_access(access, part)
    return FormAccess(default=check_access(default, default), models=models)


def check_access(access: str, part: str) -> str:
    if access not in (PUBLIC, LOGIN):
        raise ValueError(f"{part!r} is not {EXPECTED}")
    return access


def is_open(model: str, own: str | None) -> bool:
    """Whether everybody may see a model whose newest recipe has `own` as its access; None where it has none."""
    given = read_form_access(settings.FORM_ACCESS)
    return (given.models.get(model) or own or given.default) == PUBLIC
