"""Registers a model that was fitted elsewhere, by the same rules as a retrain."""

import io
import pickle
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictor.estimators.imported import Imported, ImportedOnFrame
from predictor.estimators.onnx_model import OnnxModel
from predictor.exceptions import RecipeError, TrainingError
from predictor.lifecycle.candidate import blame_recipe, describe_candidate
from predictor.lifecycle.registration import Registered, RegistrationRequest, register_challenger
from predictor.models import StoredRecipe, Version
from predictor.record.source import ImportedSource
from predictor.registry.artifact import find_compiled_libraries, find_libraries

if TYPE_CHECKING:
    from predictor.training.dataset import Dataset
    from predictor.training.external.model_file import ModelFile
    from predictor.training.external.parts import Hints
    from predictor.training.progress import Progress
    from predictor.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class ImportRequest(RegistrationRequest):
    """Which model the files become a version of, on which `sample` it is measured, and what pages call it.

    What is None or False is as the model's description has it; without one, the title is made from the slug. `hints`
    are what the options say about the parts of the files.
    """

    slug: str
    hints: "Hints"
    sample: Path
    target: str | None = None
    title: str | None = None
    description: str | None = None
    show_data: bool = False


def import_model(
    models_dir: Path, files: "Sequence[ModelFile]", request: ImportRequest, progress: "Progress"
) -> Registered:
    """Load a model's files, which runs any code in them, measure it on a sample, judge it and register it.

    A model.toml that only describes gives words, units and what limits the output. Nothing is stored before all of it
    is made. Raises RecipeError, DatasetError, ModelFileError or TrainingError.
    """
    # scikit-learn takes two seconds to import, which `manage.py help` need not wait for.
    from predictor.training.evaluation import evaluate_sample
    from predictor.training.external.adaptation import adapt_estimator
    from predictor.training.external.formats import load_file
    from predictor.training.external.parts import find_parts
    from predictor.training.fitting import Trained
    from predictor.training.output import check_probabilities, limit_output, note_beyond
    from predictor.training.recipe import check_slug

    started, slug = time.perf_counter(), request.slug
    check_slug(slug, Path(slug) / "model.toml", is_new=not Version.objects.filter(model=slug).exists())
    recipe = describe_import(models_dir, files[0], request, progress)
    startmodel, loaded = _write_startmodel(recipe, request.sample), []
    for file in files:
        progress(f"{slug}: loading {file.path}, SHA-256 {file.sha256}")
        loaded.append((file, load_file(replace(file, startmodel=startmodel))))
    parts = find_parts(loaded, request.hints)
    with blame_recipe(recipe):
        progress(f"{slug}: reading {request.sample}")
        adapted = adapt_estimator(parts, recipe, request.hints)
        dataset = adapted.dataset
        target = dataset.schema.target
        check_probabilities(recipe, target, adapted.estimator)
        fitted = limit_output(adapted.estimator, target)
        for note in [*dataset.notes, *note_beyond(target, dataset.target), _note_shape(adapted.imported, dataset)]:
            progress(f"{slug}: {note}")
        progress(f"{slug}: measuring")
        evaluation = evaluate_sample(fitted, dataset)
        trained = Trained(
            recipe=recipe, dataset=dataset, fitted=fitted, evaluation=evaluation, share=None, code=None, started=started
        )
        candidate = describe_candidate(trained)
        # An ONNX model outlives an update of scikit-learn.
        is_onnx = isinstance(adapted.imported.estimator, OnnxModel)
        common = find_compiled_libraries() if is_onnx else find_libraries()
        libraries = common | find_named_libraries(b"".join(candidate.package.unpack()), adapted.imported)
    data = ImportedSource(
        file=request.sample.name,
        sha256=dataset.sha256,
        rows=len(dataset.target),
        rows_without_target=dataset.left_out,
        model_file=", ".join(file.path.name for file in files),
        model_sha256=", ".join(file.sha256 for file in files),
    )
    candidate = replace(candidate, data=data, libraries=libraries)
    return register_challenger(trained, candidate, request, progress)


def describe_import(models_dir: Path, file: "ModelFile", request: ImportRequest, progress: "Progress") -> "Recipe":
    """The recipe of an import, from the request and from the model's description where there is one.

    Raises RecipeError, and DatasetError where the sample was not found.
    """
    from predictor.training.description import Description, find_description
    from predictor.training.external.adaptation import ImportRecipe

    slug, described = request.slug, models_dir / request.slug / "model.toml"
    found = find_description(models_dir, slug)
    if found is not None:
        progress(f"{slug}: described by {described}")
    elif described.exists() or StoredRecipe.objects.in_use().filter(model=slug).exists():
        progress(f"{slug}: a recipe of this name exists; it is not used here, but retrain will use it")
    given = found or Description()
    target = request.target or given.target
    if target is None:
        raise RecipeError(f'{described}: target: is missing: write target = "…" there, or name it with --target.')
    return ImportRecipe(
        slug=slug,
        title=request.title or given.title or slug.replace("_", " ").capitalize(),
        description=given.description if request.description is None else request.description,
        data="",
        target=target,
        show_data=request.show_data or given.show_data,
        gate=given.gate,
        output=given.output,
        order=given.order,
        examples=given.examples,
        embed_origins=given.embed_origins,
        access=given.access,
        features=given.features,
        translations=given.translations,
        source=file.path,
        described=described if found else None,
    ).with_data(request.sample)


def _write_startmodel(recipe: "Recipe", sample: Path) -> str:
    return f"./manage.py startmodel {shlex.join([recipe.slug, '--data', str(sample), '--target', recipe.target])}"


def find_named_libraries(pickled: bytes, fitted: Imported) -> dict[str, str]:
    """The versions of the installed libraries that these bytes need, found by loading them."""
    from predictor.training.pipeline import find_packages

    modules: set[str] = {"pandas"} if isinstance(fitted, ImportedOnFrame) else set()

    class Watching(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            modules.add(module.partition(".")[0])
            return super().find_class(module, name)

    Watching(io.BytesIO(pickled)).load()
    if "__main__" in modules:
        raise TrainingError("it needs a class of the program that saved it, which no worker of the site can load")
    return find_packages(modules)


def _note_shape(fitted: Imported, dataset: "Dataset") -> str:
    if isinstance(fitted, ImportedOnFrame):
        return "the model is given a pandas DataFrame, so that the site needs pandas"
    return f"the model is given {'texts' if dataset.texts else 'a matrix of numbers'}"
