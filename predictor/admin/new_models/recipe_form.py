"""The third step: the proposed recipe as a form, which gives the recipe that is trained."""

import json
import tomllib
from typing import Any

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.new_models.column_fields import FIELDS, TICKS, ColumnRow, make_fields
from predictor.admin.new_models.columns import make_feature
from predictor.formats import MISSING, format_plain
from predictor.record.parameter_bounds import Bound
from predictor.texts import clip, is_storable

ACCESS = {"": _("as the site has it"), "public": _("everybody"), "login": _("users who sign in")}
ESTIMATORS = {
    "boosted trees": _("boosted trees"),
    "random forest": _("random forest"),
    "linear model": _("linear model"),
}
TASKS = {"regression": _("a number (regression)"), "classification": _("a class (classification)")}


class RecipeForm(forms.Form):
    """The recipe of a proposal; `content` is what it shows, as the proposal or a former training has it."""

    title = forms.CharField(max_length=200, label=_("Title"))
    description = forms.CharField(
        max_length=2_000, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 2})
    )
    access = forms.ChoiceField(choices=list(ACCESS.items()), required=False, label=_("Who may see it"))
    task = forms.ChoiceField(label=_("What is predicted"))
    estimator = forms.ChoiceField(label=_("Estimator"))
    params = forms.CharField(
        max_length=1_000,
        required=False,
        label=_("Parameters"),
        help_text=_("A line for each, such as max_iter = 200; without any, those that were measured to be good ones."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    minimum = forms.FloatField(required=False, label=_("Predictions are at least"))
    maximum = forms.FloatField(required=False, label=_("Predictions are at most"))

    def __init__(self, proposal: dict[str, Any], content: dict[str, Any], data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.proposal, self.content = proposal, content
        fields: dict[str, Any] = self.fields
        tasks = [task for task in (proposal["task"], proposal["other_task"]) if task]
        fields["task"].choices = [(task, TASKS[task]) for task in tasks]
        names = dict.fromkeys(name for task in tasks for name in proposal["estimators"][task])
        fields["estimator"].choices = [(name, ESTIMATORS.get(name, name)) for name in names]
        if "regression" not in tasks:
            del fields["minimum"], fields["maximum"]
        self._set_initial()
        features, proposed = content.get("features", {}), proposal["content"].get("features", {})
        for number, column in enumerate(self.columns):
            given, known = features.get(column["name"], {}), proposed.get(column["name"], {})
            made = make_fields(column, given, known, is_target=number == 0)
            self.fields |= {f"{number}-{key}": field for key, field in made.items()}

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The target, and all others."""
        return [self.proposal["target"], *self.proposal["columns"]]

    @property
    def rows(self) -> list[ColumnRow]:
        return [
            ColumnRow(proposed=column, fields=self._list_fields(number, FIELDS), ticks=self._list_fields(number, TICKS))
            for number, column in enumerate(self.columns)
        ]

    def _list_fields(self, number: int, keys: tuple[str, ...]) -> list[BoundField]:
        return [self[f"{number}-{key}"] for key in keys if f"{number}-{key}" in self.fields]

    @property
    def general(self) -> list[BoundField]:
        return [self[name] for name in self.fields if "-" not in name]

    def _set_initial(self) -> None:
        content, output = self.content, self.content.get("output", {})
        task = content.get("task", self.proposal["task"])
        task = task if task in self.proposal["estimators"] else self.proposal["task"]  # The table may be another one.
        name, params = self._name_estimator(task, content["estimator"])
        self.initial = {
            **{key: content.get(key, "") for key in ("title", "description", "access")},
            **{key: output.get(key) for key in ("minimum", "maximum")},
            "task": task,
            "estimator": name,
            "params": "\n".join(f"{key} = {write_plain(value)}" for key, value in params.items()),
        }

    def _name_estimator(self, task: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The name of the estimator of a recipe, and the parameters that are not those of its name."""
        params = given.get("params", {})
        found = {
            name: each for name, each in self.proposal["estimators"][task].items() if each["class"] == given["class"]
        }
        for name, each in found.items():
            if each["params"] == params:
                return name, {}
        name = next(iter(found), self.proposal["chosen"])
        known = found.get(name, {}).get("params", {})
        return name, {key: value for key, value in params.items() if known.get(key) != value}

    def clean_params(self) -> dict[str, Any]:
        try:
            params = tomllib.loads(self.cleaned_data["params"])
            json.dumps(params, allow_nan=False)  # A date has no place in a job.
        except (ValueError, TypeError) as error:
            problem = gettext("Write a line such as max_iter = 200 for each: {problem}.").format(problem=error)
            raise ValidationError(problem) from error
        return params

    def clean(self) -> None:
        given = self.cleaned_data
        for name, value in given.items():
            if isinstance(value, str) and not is_storable(value):
                self.add_error(name, gettext("It contains characters that cannot be stored."))
        task, estimator = given.get("task"), given.get("estimator")
        if task and estimator and estimator not in self.proposal["estimators"][task]:
            known = ", ".join(self.proposal["estimators"][task])
            self.add_error("estimator", gettext("For this, choose one of {names}.").format(names=known))
        elif task and estimator:
            self._check_params(given.get("params", {}), self.proposal["estimators"][task][estimator]["class"])
        minimum, maximum = given.get("minimum"), given.get("maximum")
        if minimum is not None and maximum is not None and minimum >= maximum:
            self.add_error("maximum", gettext("Give a number above {minimum}.").format(minimum=format_plain(minimum)))
        if not any(given.get(f"{number}-use") for number in range(1, len(self.columns))):
            self.add_error(None, gettext("Use at least one column."))

    def _check_params(self, params: dict[str, Any], path: str) -> None:
        """Refuse at their field what a training would refuse."""
        bounds = read_bounds(self.proposal).get(path)
        if bounds is None:
            return
        for key, value in params.items():
            if key not in bounds:
                problem = gettext("This estimator has no parameter {key} here; it has: {keys}.")
                self.add_error("params", problem.format(key=clip(key), keys=", ".join(sorted(bounds)) or MISSING))
            elif not bounds[key].accepts(value):
                problem = gettext("{key} must be {expected}, not {value}.")
                problem = problem.format(key=key, expected=bounds[key].expected, value=clip(write_plain(value)))
                self.add_error("params", problem)

    def make_content(self) -> dict[str, Any]:
        """The recipe, of plain values, as model.toml has it."""
        given, task = self.cleaned_data, self.cleaned_data["task"]
        is_as_measured = task == "regression" == self.proposal["task"]
        keys = ["target", "holdout", *(["target_transform", "interval"] if is_as_measured else [])]
        kept: dict[str, Any] = {key: self.content[key] for key in keys if key in self.content}
        if task != self.proposal["task"] or "task" in self.proposal["content"]:
            kept["task"] = task
        estimator = self.proposal["estimators"][task][given["estimator"]]
        output = {key: given.get(key) for key in ("minimum", "maximum") if given.get(key) is not None}
        features = {
            column["name"]: make_feature(
                column,
                {
                    key: given.get(f"{number}-{key}")
                    for key in ("use", "label", "kind", "unit", "missing", "words", "merge")
                },
            )
            for number, column in enumerate(self.columns)
        }
        return {
            "title": given["title"],
            **{key: given[key] for key in ("description", "access") if given[key]},
            **kept,
            "estimator": {"class": estimator["class"], "params": {**estimator["params"], **given["params"]}},
            **({"output": output} if output and task == "regression" else {}),
            "features": {name: feature for name, feature in features.items() if feature},
        }


def read_bounds(proposal: dict[str, Any]) -> dict[str, dict[str, Bound]]:
    """The bounds of parameters by class and name; none for a draft of the former build."""
    return msgspec.convert(proposal.get("limits", {}), dict[str, dict[str, Bound]])


def write_plain(value: Any) -> str:
    """A parameter as TOML writes it."""
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
