"""What the README and the docs say is so."""

import re
import tomllib

import numpy as np
import pytest
from django.core.management import call_command

from predictor.training import recipe
from tests.conftest import ROOT
from tests.training import train

README = (ROOT / "README.md").read_text()


@pytest.mark.django_db
def test_the_model_of_ones_own_trains_as_written_and_has_its_form(client, models_dir):
    toml = re.search(r"```toml\n(.*?)```", README, re.DOTALL).group(1)
    area = np.random.default_rng(0).uniform(20, 150, 300)
    rows = "".join(f"{i},{a:.1f},{11 * a + 100:.2f}\n" for i, a in enumerate(area))
    (models_dir / "rent").mkdir()
    (models_dir / "rent/model.toml").write_text(toml)
    (models_dir / "rent/data.csv").write_text("id,area,rent\n" + rows)

    version = train(models_dir, "rent")
    assert version.parsed_schema.names == ["area"]
    page = client.post("/rent/", {"area": "70"}, follow=True).content.decode()
    assert re.search('<output id="prediction" data-value="[0-9.]+">€[0-9.]+</output>', page)
    assert '70&nbsp;<span class="unit">m²</span>' in page


@pytest.mark.django_db
def test_a_retrain_prints_what_is_shown_of_one(models_dir, capsys):
    call_command("retrain", "line")
    shown = re.search(r"^line  version 1 .*?(?=^```)", README, re.DOTALL | re.MULTILINE).group()
    assert capsys.readouterr().out == shown


def test_every_variable_that_is_read_stands_in_the_table():
    sources = [ROOT / "mlsite/settings.py", ROOT / "gunicorn.conf.py"]
    pattern = r"(?:environ\.get|read_list|read_flag|read_number|read_whole_number)\(\"?'?([A-Z_]+)"
    read = {name for source in sources for name in re.findall(pattern, source.read_text())}
    assert len(read) > 8
    assert {name for name in read if f"`{name}`" not in README} == set()


@pytest.mark.parametrize(
    "shape", [recipe.Recipe, recipe.FeatureRecipe, recipe.EstimatorRecipe, recipe.GateRecipe, recipe.TuneRecipe]
)
def test_every_key_of_a_recipe_stands_in_the_docs(shape):
    docs = (ROOT / "docs/recipes.md").read_text()
    keys = {field.encode_name for field in recipe.msgspec.structs.fields(shape)} - {"slug", "folder", "features"}
    assert {key for key in keys if f"`{key}`" not in docs and f"`[{key}]`" not in docs} == set()


def test_every_module_stands_in_the_architecture():
    docs = (ROOT / "docs/architecture.md").read_text()
    modules = {file.stem for file in (ROOT / "predictor").rglob("*.py") if "migrations" not in file.parts}
    assert {module for module in modules - {"__init__"} if not re.search(rf"\b{module}\b", docs)} == set()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_exact_libraries_are_pinned_with_their_hashes(name):
    content = (ROOT / name).read_text().replace("\\\n", "")
    pinned = [line for line in content.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(pinned) > 20
    assert all(re.fullmatch(r"[a-z0-9._-]+==[^ ]+ .*(--hash=sha256:[0-9a-f]{64} *)+", line) for line in pinned)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11,<3.14"
