"""Reads ml_models/<slug>/model.toml: what to train on which table, and how the form shows it."""

import sys
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from predictor.exceptions import DatasetError, RecipeError
from predictor.schema.kinds import Kind, Task
from predictor.schema.output import Band, Output
from predictor.schema.schema import SLUG
from predictor.schema.temporal import find_zone
from predictor.schema.values import write_value
from predictor.texts import normalise_text
from predictor.training.toml import convert_table, refuse_key

# Databases store no NUL, and JSON has no infinity.
Text = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]
Finite = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
LIMITS = frozenset({"minimum", "maximum"})
MOST_CHARACTERS_OF_WORDS = 200
TargetTransform = Literal["log"]
IntervalWidth = Literal["constant", "scaled"]
# The first segments of our own URLs, and of the standard protocols that may join them.
RESERVED_SLUGS = frozenset(
    {"about", "admin", "api", "docs", "favicon", "health", "healthz", "invocations", "metrics"}
    | {"ping", "predictions", "readyz", "static", "v2", "version"}
)


class EstimatorRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"path": "class"}):
    """`[estimator]`: a scikit-learn estimator's dotted path and its parameters."""

    path: Text
    params: dict[str, Any] = {}


class FeatureRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[features.<name>]`: what is given about a column, in place of what is inferred from its data."""

    label: Text | None = None
    kind: Kind | None = None
    unit: Text = ""
    help: Text = ""
    # A date or a time is written as TOML writes it, and kept as text.
    minimum: Finite | Text | None = None
    maximum: Finite | Text | None = None
    format: Text = ""
    zone: Text = ""
    choices: Annotated[list[Text | int], msgspec.Meta(min_length=1)] | None = None
    labels: dict[str, Text] = {}
    missing: Annotated[list[Text | Finite], msgspec.Meta(min_length=1)] | None = None
    merge: dict[Text, list[Text]] = {}
    unseen: Literal["other"] | None = None
    required: bool | None = None
    exclude: bool = False

    @property
    def gaps(self) -> tuple[str, ...]:
        """The texts that mean missing, sorted; a number as its shortest text."""
        return tuple(sorted({write_value(each).strip() for each in self.missing or []}))

    @property
    def aliases(self) -> dict[str, str]:
        """By spelling, the text that it is merged into."""
        merged = {normalise_text(text): into for into, texts in self.merge.items() for text in texts}
        return {text: normalise_text(into) for text, into in merged.items()}


class GateRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gate]`: what a challenger must reach to go live. Limits are in the metrics' own units."""

    metric: Literal["rmse", "mae", "log_loss", "accuracy"] | None = None
    minimum_gain: Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)] = 0.0
    mae_max: Finite | None = None
    rmse_max: Finite | None = None
    r2_min: Finite | None = None
    accuracy_min: Finite | None = None
    macro_f1_min: Finite | None = None
    log_loss_max: Finite | None = None

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by key: a metric's name with `_max` or `_min`."""
        limits = {name: getattr(self, name) for name in self.__struct_fields__ if name.endswith(("_max", "_min"))}
        return {name: limit for name, limit in limits.items() if limit is not None}


class DistributionRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{ low, high }`: draws a parameter uniformly or, with `log`, uniformly on a logarithmic scale.

    Integers are drawn where both ends are integers.
    """

    low: int | Finite
    high: int | Finite
    log: bool = False


class TuneRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tune]`: which parameters to try, in all combinations of values or as `candidates` drawn at random."""

    params: dict[str, Any] = {}
    candidates: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    folds: Annotated[int, msgspec.Meta(ge=2, le=20)] = 5


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole model.toml, with the folder it came from."""

    slug: str = ""
    folder: Path = Path()
    title: Annotated[Text, msgspec.Meta(min_length=1, max_length=200)]
    description: Text = ""
    target: Text
    data: Text
    task: Task | None = None
    target_transform: TargetTransform | None = None
    interval: IntervalWidth | None = None
    holdout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0
    show_data: bool = False
    estimator: EstimatorRecipe | None = None
    gate: GateRecipe = GateRecipe()
    tune: TuneRecipe | None = None
    output: Output = Output()
    features: dict[str, FeatureRecipe] = {}

    @property
    def file(self) -> Path:
        return self.folder / "model.toml"

    @property
    def data_file(self) -> Path:
        return self.folder / self.data

    def name_way_out(self, column: str) -> str:
        """What the author may write where a column of texts is not inferred to be a category: the end of a sentence."""
        return f"write exclude = true below [features.{column}] in {self.file.name}, or list its choices there"

    @property
    def data_name(self) -> str:
        """The table's name on pages: as the recipe has it, but without the folders of an absolute path."""
        return Path(self.data).name if Path(self.data).is_absolute() else self.data

    @property
    def pipeline_file(self) -> Path:
        return self.folder / "pipeline.py"

    def with_data(self, file: Path) -> "Recipe":
        """The same recipe for another table, anywhere on this machine; raises DatasetError where it was not found."""
        if not file.is_file():
            raise DatasetError(f"{file} was not found on this machine; nothing is downloaded.")
        return msgspec.structs.replace(self, data=str(file.absolute()))

    def error(self, key: str, problem: str) -> RecipeError:
        """Make the error that blames one key of this file."""
        return RecipeError(f"{self.file}: {key}: {problem.rstrip('.')}.")


def find_slugs(models_dir: Path) -> list[str]:
    """List the folders that contain a model.toml, by name."""
    return sorted(file.parent.name for file in models_dir.glob("*/model.toml"))


def read_recipe(models_dir: Path, slug: str) -> Recipe:
    """Read and check one recipe.

    Raises RecipeError, naming the file, the key and what would be right.
    """
    return _convert_recipe(models_dir / slug / "model.toml", slug, read_content(models_dir, slug))


def read_content(models_dir: Path, slug: str) -> dict[str, Any]:
    """Read a model.toml without checking its keys. Raises RecipeError."""
    file = models_dir / slug / "model.toml"
    check_slug(slug, file)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        known = ", ".join(find_slugs(models_dir)) or "none yet"
        raise RecipeError(f"{file} was not found; the recipes here are: {known}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{file} cannot be read as TOML: {error}.") from error


def check_slug(slug: str, file: Path) -> None:
    """Raise RecipeError unless `slug` can be a model's name and part of a URL."""
    if not SLUG.fullmatch(slug) or len(slug) > 50:
        raise RecipeError(
            f"{file}: the folder's name {slug!r} is the model's slug and must be 1 to 50 lower-case letters,"
            " digits and underscores, starting with a letter."
        )
    if slug in RESERVED_SLUGS:
        raise RecipeError(f"{file}: the slug {slug!r} is already a page of the site; rename the folder.")


def _convert_recipe(file: Path, slug: str, content: dict[str, Any]) -> Recipe:
    for key in ("slug", "folder"):
        if key in content:
            raise refuse_key(file, key, Recipe)
    described = convert_described(file, content)
    for name, given in described["features"].items():
        if given.kind == "text":
            problem = "must be another one than 'text': a model of texts cannot be trained here yet, only imported"
            raise RecipeError(f"{file}: features.{name}.kind: {problem}.")
    if described["features"].get(str(content.get("target")), FeatureRecipe()).labels:
        content.setdefault("task", "classification")  # Words are for classes.
    estimator = content.pop("estimator", None)
    if estimator is not None:
        estimator = convert_table(file, "estimator", estimator, EstimatorRecipe)
    tune = _convert_tune(file, content.pop("tune")) if "tune" in content else None
    recipe = convert_table(file, "", content, Recipe)
    folder = file.parent
    recipe = msgspec.structs.replace(recipe, slug=slug, folder=folder, estimator=estimator, tune=tune, **described)
    if recipe.target_transform and recipe.interval:
        raise recipe.error(
            "interval", f"target_transform = {recipe.target_transform!r} decides the width: leave out one of the two"
        )
    if Path(recipe.data).is_absolute():
        raise recipe.error("data", f"{recipe.data!r} is an absolute path: write its path from {folder}")
    return recipe


def convert_described(file: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Take the tables out of a model.toml that a recipe and a description share, and check them."""
    features = content.pop("features", {})
    if not isinstance(features, dict):
        raise RecipeError(f"{file}: features: must be tables such as [features.x], not {features!r}.")
    return {
        "features": {name: _convert_feature(file, f"features.{name}", given) for name, given in features.items()},
        "gate": convert_table(file, "gate", content.pop("gate", {}), GateRecipe),
        "output": _convert_output(file, content.pop("output", {})),
    }


def _convert_feature(file: Path, table: str, content: Any) -> FeatureRecipe:
    """Read what is given about a column; a choice written 1.0 is the whole number 1."""
    if isinstance(content, dict) and isinstance(content.get("choices"), list):
        choices = [int(each) if isinstance(each, float) and each.is_integer() else each for each in content["choices"]]
        content = {**content, "choices": choices}
    if isinstance(content, dict):
        content = content | {key: _write_limit(file, f"{table}.{key}", content[key]) for key in LIMITS & content.keys()}
    if isinstance(content, dict) and "labels" in content:
        _check_labels(file, f"{table}.labels", content["labels"])
    feature = convert_table(file, table, content, FeatureRecipe)
    _check_zone(file, f"{table}.zone", feature.zone)
    made = "choices" if feature.choices else "labels"
    if (feature.choices or feature.labels) and feature.kind not in (None, "category"):
        raise RecipeError(
            f"{file}: {table}.kind: {made} make a category, not {feature.kind!r}: leave out one of the two."
        )
    if feature.unseen and feature.kind not in (None, "category"):
        raise RecipeError(
            f"{file}: {table}.unseen: it is for categories, not {feature.kind!r}: leave out one of the two."
        )
    _check_spelling(file, table, feature)
    return feature if not feature.labels or feature.kind else msgspec.structs.replace(feature, kind="category")


def _check_labels(file: Path, table: str, labels: Any) -> None:
    """Check what msgspec's messages would not explain: TOML reads a bare 1.5 as a 5 in a table 1."""
    if not isinstance(labels, dict) or not labels:
        raise RecipeError(f'{file}: {table}: must be words by code, such as {{ 0 = "no", 1 = "yes" }}, not {labels!r}.')
    for code, words in labels.items():
        if not isinstance(words, str) or not words.strip() or len(words) > MOST_CHARACTERS_OF_WORDS:
            problem = f"must be words of 1 to {MOST_CHARACTERS_OF_WORDS} characters, not {words!r}"
            hint = (
                f'; write a code with a point in quotes, "{code}.{next(iter(words))}"'
                if isinstance(words, dict)
                else ""
            )
            raise RecipeError(f"{file}: {table}.{code}: {problem}{hint}.")


def _write_limit(file: Path, key: str, limit: Any) -> Any:
    if isinstance(limit, date | time):
        return limit.isoformat()
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        raise RecipeError(f"{file}: {key}: must be a number, not {limit!r}.")
    return limit


def _check_zone(file: Path, key: str, zone: str) -> None:
    try:
        if zone:
            find_zone(zone)
    except (ValueError, OSError, KeyError) as error:
        raise RecipeError(f"{file}: {key}: must be a time zone such as Europe/Berlin, not {zone!r}.") from error


def _convert_output(file: Path, content: Any) -> Output:
    if isinstance(content, dict) and isinstance(content.get("bands"), list):
        bands = [convert_table(file, f"output.bands[{i}]", band, Band) for i, band in enumerate(content["bands"])]
        content = {**content, "bands": bands}
    return convert_table(file, "output", content, Output)


def _check_spelling(file: Path, table: str, feature: FeatureRecipe) -> None:
    """Refuse a spelling that is merged into two texts, or into one that is itself merged or means missing."""
    spellings = [normalise_text(text) for texts in feature.merge.values() for text in texts]
    kept = [*map(normalise_text, feature.merge), *map(str, feature.choices or [])]
    for text in spellings:
        if spellings.count(text) > 1 or text in kept:
            problem = f"{text!r} is merged more than once" if text not in kept else f"{text!r} is also a value to keep"
            raise RecipeError(f"{file}: {table}.merge: {problem}: write it in one place.")
    if both := [text for text in (*kept, *spellings) if text.strip() in feature.gaps]:
        raise RecipeError(f"{file}: {table}.missing: {both[0]!r} is also a value: write it in one place.")


def _convert_tune(file: Path, content: Any) -> TuneRecipe:
    tune = convert_table(file, "tune", content, TuneRecipe)
    if not tune.params:
        raise RecipeError(f"{file}: tune.params: is missing: name at least one parameter and the values to try.")
    params = {name: _convert_tries(file, f"tune.params.{name}", given) for name, given in tune.params.items()}
    if tune.candidates is None and any(isinstance(tries, DistributionRecipe) for tries in params.values()):
        raise RecipeError(f"{file}: tune.candidates: is missing: write how many to draw, such as candidates = 20.")
    return msgspec.structs.replace(tune, params=params)


def _convert_tries(file: Path, key: str, given: Any) -> list[Any] | DistributionRecipe:
    if isinstance(given, list) and given:
        return given
    if not isinstance(given, dict):
        raise RecipeError(f"{file}: {key}: must be an array of values, or a table with low and high, not {given!r}.")
    tries = convert_table(file, key, given, DistributionRecipe)
    if tries.low >= tries.high:
        raise RecipeError(f"{file}: {key}.low: must be below high, which is {tries.high!r}, not {tries.low!r}.")
    if tries.log and tries.low <= 0:
        raise RecipeError(f"{file}: {key}.low: must be above 0 on a logarithmic scale, not {tries.low!r}.")
    return tries
