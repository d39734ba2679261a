"""Reads ml_models/<slug>/model.toml: what to train on which table, and how the form shows it."""

import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from predictor.exceptions import DatasetError, RecipeError
from predictor.schema.kinds import Task
from predictor.schema.output import Band, Output
from predictor.schema.schema import RESERVED_SLUGS, SLUG, TAKEN_SLUGS
from predictor.training.contract_recipe import ContractRecipe
from predictor.training.feature_recipe import FeatureRecipe, Finite, Text, convert_feature
from predictor.training.schedule_recipe import ScheduleRecipe, convert_schedule
from predictor.training.toml import convert_table, refuse_key
from predictor.training.translations import TranslationRecipe, convert_translations

TargetTransform = Literal["log"]
# Who may see the form and its pages: everybody, or users who have signed in.
Access = Literal["public", "login"]
IntervalWidth = Literal["constant", "scaled"]


class EstimatorRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"path": "class"}):
    """`[estimator]`: a scikit-learn estimator's dotted path and its parameters."""

    path: Text
    params: dict[str, Any] = {}


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


class ExampleRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[examples]]`: inputs with which visitors can fill the form; those left out get their typical value."""

    title: Annotated[Text, msgspec.Meta(min_length=1, max_length=100)]
    inputs: dict[str, Any]


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
    contract: ContractRecipe = ContractRecipe()
    tune: TuneRecipe | None = None
    output: Output = Output()
    order: list[Text] = []
    examples: list[ExampleRecipe] = []
    embed_origins: list[Text] | None = None
    access: Access | None = None
    schedule: ScheduleRecipe = ScheduleRecipe()
    features: dict[str, FeatureRecipe] = {}
    translations: dict[str, TranslationRecipe] = {}

    @property
    def file(self) -> Path:
        return self.folder / "model.toml"

    @property
    def data_file(self) -> Path:
        return self.folder / self.data

    def name_way_out(self, column: str) -> str:
        """What the author may write where a column of texts is not inferred to be a category: the end of a sentence."""
        write = 'write kind = "text" or exclude = true'
        return f"{write} below [features.{column}] in {self.file.name}, or list its choices there"

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

    def error(self, key: str, problem: str, **coded: Any) -> RecipeError:
        """Make the error that blames one key of this file; `coded` are its code and values where it has some."""
        return RecipeError(f"{self.file}: {key}: {problem.rstrip('.')}.", **coded)


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


def check_slug(slug: str, file: Path, *, is_new: bool = False) -> None:
    """Raise RecipeError unless `slug` can be a model's name and part of a URL, or that of a new model."""
    if not SLUG.fullmatch(slug) or len(slug) > 50:
        raise RecipeError(
            f"{file}: the folder's name {slug!r} is the model's slug and must be 1 to 50 lower-case letters,"
            " digits and underscores, starting with a letter."
        )
    if slug in RESERVED_SLUGS or (is_new and slug in TAKEN_SLUGS):
        raise RecipeError(f"{file}: the slug {slug!r} is already a page of the site; rename the folder.")


def _convert_recipe(file: Path, slug: str, content: dict[str, Any]) -> Recipe:
    for key in ("slug", "folder"):
        if key in content:
            raise refuse_key(file, key, Recipe)
    described = convert_described(file, content)
    if described["features"].get(str(content.get("target")), FeatureRecipe()).labels:
        content.setdefault("task", "classification")  # Words are for classes.
    estimator = content.pop("estimator", None)
    if estimator is not None:
        estimator = convert_table(file, "estimator", estimator, EstimatorRecipe)
    tune = _convert_tune(file, content.pop("tune")) if "tune" in content else None
    contract = convert_table(file, "contract", content.pop("contract", {}), ContractRecipe)
    recipe = convert_table(file, "", content, Recipe)
    folder = file.parent
    own = {"slug": slug, "folder": folder, "estimator": estimator, "tune": tune, "contract": contract}
    recipe = msgspec.structs.replace(recipe, **own, **described)
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
        "features": {name: convert_feature(file, f"features.{name}", given) for name, given in features.items()},
        "schedule": convert_schedule(file, content.pop("schedule", {}), is_trained="data" in content),
        "gate": convert_table(file, "gate", content.pop("gate", {}), GateRecipe),
        "output": _convert_output(file, content.pop("output", {})),
        "translations": convert_translations(file, content.pop("translations", {})),
        "examples": _convert_examples(file, content.pop("examples", [])),
    }


def _convert_examples(file: Path, content: Any) -> list[ExampleRecipe]:
    if not isinstance(content, list):
        raise RecipeError(f"{file}: examples: must be tables such as [[examples]], not {content!r}.")
    return [convert_table(file, f"examples[{i}]", example, ExampleRecipe) for i, example in enumerate(content)]


def _convert_output(file: Path, content: Any) -> Output:
    if isinstance(content, dict) and isinstance(content.get("bands"), list):
        bands = [convert_table(file, f"output.bands[{i}]", band, Band) for i, band in enumerate(content["bands"])]
        content = {**content, "bands": bands}
    return convert_table(file, "output", content, Output)


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
