"""The pages of a list by the id of its first row: a page at the end is as quick as the first."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext

from predictor.formats import format_number
from predictor.history.search import MOST_COUNTED

BEFORE, AFTER = "before", "after"


class KeysetChangeList(ChangeList):
    """The newest rows, or the next ones older than `before` or newer than `after`. Rows are always in this order."""

    newer_url = older_url = ""
    is_at_least = False

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (BEFORE, AFTER)}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """A link begins with the newest rows, unless it says otherwise."""
        return super().get_query_string({BEFORE: None, AFTER: None, **(new_params or {})}, remove)

    def get_results(self, request: HttpRequest) -> None:
        before, after = (self._read_place(name) for name in (BEFORE, AFTER))
        rows = self.queryset.order_by("pk" if after is not None else "-pk")
        if after is not None:
            rows = rows.filter(pk__gt=after)
        elif before is not None:
            rows = rows.filter(pk__lt=before)
        found = list(rows[: self.list_per_page + 1])
        self._show(found[: self.list_per_page], before, after, has_more=len(found) > self.list_per_page)
        count = self.queryset.order_by()[: MOST_COUNTED + 1].count()
        self.result_count, self.is_at_least = min(count, MOST_COUNTED), count > MOST_COUNTED
        # What Django's own pages would need.
        self.full_result_count, self.show_full_result_count = None, False
        self.show_admin_actions, self.can_show_all, self.multi_page = bool(count), False, False
        self.paginator = Paginator([], self.list_per_page)

    def _show(self, rows: list[Any], before: int | None, after: int | None, *, has_more: bool) -> None:
        """Keep the page's rows, the newest first, and the addresses of those next to it."""
        has_newer = has_more if after is not None else before is not None
        has_older = True if after is not None else has_more
        self.result_list = rows[::-1] if after is not None else rows
        if rows and has_newer:
            self.newer_url = self.get_query_string({AFTER: self.result_list[0].pk})
        if rows and has_older:
            self.older_url = self.get_query_string({BEFORE: self.result_list[-1].pk})

    def _read_place(self, name: str) -> int | None:
        text = self.params.get(name, "")
        if text and not (text.isascii() and text.isdigit()):
            raise IncorrectLookupParameters(f"{name}={text}")
        return int(text) if text else None

    @cached_property
    def newest_url(self) -> str:
        return self.get_query_string()

    @property
    def described_count(self) -> str:
        count = format_number(self.result_count)
        return gettext("more than {count}").format(count=count) if self.is_at_least else count

    @property
    def labels(self) -> dict[str, str]:
        return {"newest": gettext("Newest"), "newer": gettext("Newer"), "older": gettext("Older")}
