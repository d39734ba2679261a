"""The admin's first page: a tile for each model, with what happened today and what is live."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import islice

from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from predictor.access.rights import limit
from predictor.admin.listing import make_queue_address
from predictor.admin.monitoring import list_states
from predictor.admin.retraining import RETRAIN, list_trained
from predictor.formats import MISSING, format_number, format_share
from predictor.history.ids import find_first_id
from predictor.history.order import list_ids
from predictor.models import Prediction, Promotion, Version

# Counted of each version, the newest of today, so that a busy model does not keep the page waiting.
MOST_COUNTED = 1_000


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A model, its live version where it has one, the newest where that is another, and today's predictions.

    The numbers of predictions are empty for users who may not look at them.
    """

    model: str
    title: str
    live: Version | None
    is_retired: bool
    newest: Version | None
    predictions: str = ""
    warned: str = ""
    # How it does by its outcomes, as far as that was computed.
    quality: SafeString | str = ""
    # Whether the user may record what really happened.
    asks_for_outcomes: bool = False
    # The version whose page asks for a retrain; None for users who may not.
    retrained: Version | None = None

    @property
    def lines(self) -> list[tuple[str, SafeString | str]]:
        """What the tile says, as labels with values."""
        live: SafeString | str = link_version(self.live) if self.live else gettext("none")
        if self.is_retired:
            live = format_html('{} <strong class="retired">{}</strong>', live, gettext("retired"))
        lines: list[tuple[str, SafeString | str]] = [(gettext("Live"), live)]
        if self.newest:
            newest = (link_version(self.newest), self.newest.shown_decision)
            lines.append((gettext("Newest"), format_html('{} <span class="reason" dir="auto">{}</span>', *newest)))
        if self.quality:
            lines.append((gettext("Live quality"), self.quality))
        if self.predictions:
            address = f"{reverse('admin:predictor_prediction_changelist')}?model={self.model}"
            lines.append((gettext("Predictions today"), format_html('<a href="{}">{}</a>', address, self.predictions)))
            lines.append((gettext("With a warning"), self.warned))
        if self.asks_for_outcomes:
            address = make_queue_address(self.model)
            link = format_html('<a href="{}">{}</a>', address, gettext("Next without an outcome"))
            lines.append((gettext("Outcomes"), link))
        if self.retrained:
            address = reverse("admin:predictor_version_retrain", args=[self.retrained.pk])
            lines.append((gettext("Training"), format_html('<a href="{}">{}</a>', address, gettext("Retrain"))))
        return lines


def show_index(request: HttpRequest) -> HttpResponse:
    """The admin's own first page, with the tiles that the user may see."""
    return admin.site.index(request, extra_context={"tiles": list_tiles(request.user, timezone.now())})


def link_version(version: Version) -> SafeString:
    address = reverse("admin:predictor_version_change", args=[version.pk])
    name = gettext("version {number}").format(number=version.number)
    return format_html('<a href="{}">{}</a>', address, name)


def list_tiles(user: AbstractBaseUser | AnonymousUser, now: datetime) -> list[Tile]:
    """A tile for each model, ordered by slug; none for users who may not look at versions."""
    if not isinstance(user, PermissionsMixin) or not user.has_perm("predictor.view_version"):
        return []
    versions = limit(Version.objects.live(), user).with_retired_at().order_by("model")
    live = {each.model: each for each in versions.only("model", "number", "title")}
    newest_versions = find_newest(limit(Version.objects.all(), user))
    states = list_states(newest_versions)
    is_trained = set(list_trained().values_list("model", flat=True).distinct()) if user.has_perm(RETRAIN) else set()
    counts = count_today(live.values(), now) if user.has_perm("predictor.view_prediction") else {}
    return [
        Tile(
            model=model,
            title=(live.get(model) or newest).shown_title,
            live=live.get(model),
            is_retired=getattr(live.get(model), "retired_at", None) is not None,
            newest=None if newest == live.get(model) else newest,
            quality=states.get(model, ""),
            asks_for_outcomes=model in counts and user.has_perm("predictor.add_outcome"),
            retrained=(live.get(model) or newest) if model in is_trained else None,
            **counts.get(model, {}),
        )
        for model, newest in newest_versions.items()
    ]


def find_newest(of: "QuerySet[Version]") -> dict[str, Version]:
    """The newest of some versions of each model, ordered by slug."""
    newest = of.order_by().values("model").annotate(newest=Max("id")).values("newest")
    versions = Version.objects.filter(id__in=newest).only("model", "number", "title", "decision").order_by("model")
    return {each.model: each for each in versions}


def count_today(live: Iterable[Version], now: datetime) -> dict[str, dict[str, str]]:
    """For each model, how many predictions were made today (UTC), and the share of them with a warning, as texts."""
    start = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    answering = {version.id: version.model for version in live}
    # Those that were replaced today answered until then.
    replaced = Promotion.objects.filter(promoted_at__gte=start, previous__isnull=False)
    answering |= dict(replaced.values_list("previous_id", "previous__model"))
    warned: dict[str, list[bool]] = defaultdict(list)
    is_capped: set[str] = set()
    for version_id, model in answering.items():
        today = islice(list_ids([version_id], first=find_first_id(start), newest_first=True), MOST_COUNTED)
        rows = Prediction.objects.filter(id__in=list(today))
        found = [bool(warnings) for warnings in rows.values_list("warnings", flat=True)]
        warned[model] += found
        is_capped |= {model} if len(found) == MOST_COUNTED else set()
    return {
        model: {
            "predictions": f"{format_number(len(found))}{'+' if model in is_capped else ''}",
            "warned": format_share(sum(found) / len(found)) if found else MISSING,
        }
        for model, found in warned.items()
    }
