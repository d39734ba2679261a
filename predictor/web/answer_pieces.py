"""What the pages of all answers of a version share, made once for each version."""

import msgspec
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from predictor.formats import Written
from predictor.languages import gettext as _
from predictor.models import Version
from predictor.models.answered import Answered
from predictor.record.interval import MeasuredInterval
from predictor.record.profile import Distribution
from predictor.serving.runtime import Runtime, cache_per_runtime
from predictor.web.pieces import PLACEHOLDER, ChartPieces
from predictor.web.range_chart import Backdrop, draw_backdrop, find_room, place_interval, write_bins


class ShownRange(msgspec.Struct, frozen=True, kw_only=True):
    """The chart of one number, whose `backdrop` is rendered. Places are in percent; `band` is a place and a width."""

    # What it shows, for whoever does not see it.
    title: str
    backdrop: str
    place: float
    band: tuple[float, float] | None
    # The place in percent of another answer, which this one is compared with.
    former: float | None = None


class Actions(msgspec.Struct, frozen=True, kw_only=True):
    """Which actions the page of an answer offers."""

    predicts: bool
    explains: bool
    tries: bool
    keeps_history: bool
    is_next_to_form: bool


class AnswerPieces:
    """A version's charts, how far to trust it, and what can be done next."""

    def __init__(self, version: Version) -> None:
        self._actions: dict[Actions, str] = {}
        self.chart = ChartPieces(version)
        context = {"version": version, "verdict": version.verdict}
        self.trust = mark_safe(render_to_string("predictor/_trust.html", context))  # noqa: S308  # Our template.
        self.coverage = render_coverage(version.parsed_interval) if version.parsed_interval else ""
        stored = version.parsed_profile.target
        is_regression = version.target.task == "regression"
        self._target = version.target
        self._distribution = stored if isinstance(stored, Distribution) and is_regression else None
        self._base = draw_backdrop(
            version.target, self._distribution, find_room(self._distribution, version.parsed_interval)
        )
        self._backdrop = render_backdrop(self._base) if self._base else ""
        self._seen = _("In training: {range}.").format(range=self._write_seen(version)) if self._distribution else ""
        self.figures = render_figures(version, self._distribution) if self._distribution else ""

    def _write_seen(self, version: Version) -> Written | None:
        found = self._distribution
        return self._target.write_range(found.low, found.high, decimals=version.decimals) if found else None

    def write_actions(self, address: str, actions: Actions) -> SafeString:
        """What can be done next with the answer at an address."""
        if actions not in self._actions:
            context = {**msgspec.structs.asdict(actions), "address": PLACEHOLDER}
            self._actions[actions] = render_to_string("predictor/_actions.html", context)
        return mark_safe(self._actions[actions].replace(PLACEHOLDER, address))  # noqa: S308  # Our template and our address.

    def draw_range(
        self, answered: Answered, written: Written, ends: Written | None, former: float | None = None
    ) -> ShownRange | None:
        """The chart of a number, on the version's axis or on a wider one; None where there is nothing to draw.

        `written` and `ends` are the answer and its interval for people, and `former` an answer to compare it with.
        """
        if self._target.task != "regression":
            return None
        output = float(answered.output)
        interval = (float(answered.interval[0]), float(answered.interval[1])) if answered.interval else None
        places = (output, *(interval or ()), *([] if former is None else [former]))
        backdrop, rendered = self._base, self._backdrop
        if backdrop is None or not all(map(backdrop.axis.contains, places)):
            backdrop = draw_backdrop(self._target, self._distribution, places)
            rendered = render_backdrop(backdrop) if backdrop else ""
        if backdrop is None:
            return None
        return ShownRange(
            title=self._describe(written, ends),
            backdrop=rendered,
            place=backdrop.axis.place(output),
            band=interval and place_interval(backdrop.axis, interval),
            former=None if former is None else backdrop.axis.place(former),
        )

    def _describe(self, written: Written, ends: Written | None) -> str:
        sentence = _("{label}: {answer}.") if ends is None else _("{label}: {answer}, probably {ends}.")
        described = sentence.format(label=self._target.label, answer=written, ends=ends)
        return f"{described} {self._seen}" if self._seen else described


def render_backdrop(backdrop: Backdrop) -> SafeString:
    return mark_safe(render_to_string("predictor/_range_backdrop.html", {"backdrop": backdrop}))  # noqa: S308  # Our template.


def render_coverage(interval: MeasuredInterval) -> SafeString:
    """What is known of how often a version's intervals hold."""
    return mark_safe(render_to_string("predictor/_coverage.html", {"interval": interval}))  # noqa: S308  # Our template.


def render_figures(version: Version, distribution: Distribution) -> SafeString:
    """The table of the distribution's figures."""
    context = {"version": version, "target": version.target, "bins": write_bins(version.target, distribution)}
    return mark_safe(render_to_string("predictor/_range_figures.html", context))  # noqa: S308  # Our template.


@cache_per_runtime
def get_answer_pieces(runtime: Runtime) -> AnswerPieces:
    return AnswerPieces(runtime.version)
