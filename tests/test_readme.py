"""What the README and the docs say is so."""

import re
import tomllib

import numpy as np
import pytest
from django.core.management import call_command

from tests.conftest import ROOT
from tests.training import train

README = (ROOT / "README.md").read_text()
CONFIGURATION = (ROOT / "docs/configuration.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


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


def test_every_variable_that_is_read_stands_in_the_table_and_no_other_does():
    sources = [ROOT / "mlsite/settings.py", ROOT / "gunicorn.conf.py"]
    pattern = r"(?:environ\.get|read_list|read_flag|read_number|read_whole_number)\(\s*\"?'?([A-Z_]+)"
    read = {name for source in sources for name in re.findall(pattern, source.read_text())}
    assert len(read) > 8
    listed = set(re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| (.*?) \|", CONFIGURATION, re.MULTILINE))))
    # gunicorn itself reads the one, and Heroku sets the other.
    others = {"FORWARDED_ALLOW_IPS", "DYNO_RAM"}
    assert listed - others == read - others
    assert set(re.findall(r"^\| `([A-Z_]+)`", README, re.MULTILINE)) <= listed


def read_house():
    """By folder below predictor/, the modules that the architecture lists there; what follows their names is prose."""
    block = re.search(r"^predictor/.*?(?=^templates/)", ARCHITECTURE, re.DOTALL | re.MULTILINE).group()
    entries = re.findall(r"^ {2,4}(\w+)/ +(\w+(?:\s+·\s+\w+\b(?!/))*)", block, re.MULTILINE)
    house = {folder: set(re.findall(r"\w+", names)) for folder, names in entries}
    house["commands"] = set(re.findall(r"\w+", re.search(r"commands/ \((.*?)\)", block, re.DOTALL).group(1)))
    house["predictor"] = set(re.findall(r"(\w+)\.py", "".join(re.findall(r"^  ((?:\w+\.py ?)+)", block, re.MULTILINE))))
    return house


def test_the_architecture_lists_every_module_in_its_own_folder_and_no_other():
    files = [file for file in (ROOT / "predictor").rglob("*.py") if file.stem != "__init__"]
    folders = {}
    for file in files:
        if "migrations" not in file.parts:
            folders.setdefault(file.parent.name, set()).add(file.stem)
    assert read_house() == folders


def test_the_architecture_lists_every_module_of_the_project_and_no_other():
    block = re.search(r"^mlsite/(.*?)(?=^predictor/)", ARCHITECTURE, re.DOTALL | re.MULTILINE).group(1)
    listed = set(re.findall(r"\w+", re.sub(r"\(.*?\)", "", block, flags=re.DOTALL)))
    packages = {init.parent.name for init in (ROOT / "mlsite").glob("*/__init__.py")}
    assert listed == {file.stem for file in (ROOT / "mlsite").glob("*.py") if file.stem != "__init__"} | packages


@pytest.mark.parametrize("kind", ["", "-boosters", "-cluster", "-dev"])
def test_the_exact_libraries_are_pinned_with_their_hashes(kind):
    content = (ROOT / f"requirements{kind}.txt").read_text().replace("\\\n", "")
    pinned = [line for line in content.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(pinned) > 20
    assert all(re.fullmatch(r"[a-z0-9._-]+==[^ ]+ .*(--hash=sha256:[0-9a-f]{64} *)+", line) for line in pinned)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11,<3.14"


def list_pins(kind):
    """What a requirements file pins, such as {"numpy==2.4.1"}, and the names of those that its .in asks for."""
    entries = re.split(r"\n(?=\w)", (ROOT / f"requirements{kind}.txt").read_text())[1:]
    asked = rf"-r requirements{kind}\.in$"
    direct = {entry.partition("==")[0] for entry in entries if re.search(asked, entry, re.MULTILINE)}
    return {entry.split()[0] for entry in entries}, direct


@pytest.mark.parametrize("kind", ["", "-boosters", "-cluster", "-dev"])
def test_all_that_is_asked_for_is_pinned_and_developers_have_the_same(kind):
    asked = re.findall(r"^\w[\w.-]*", (ROOT / f"requirements{kind}.in").read_text().lower(), re.MULTILINE)
    pins, direct = list_pins(kind)
    assert set(asked) == direct
    assert pins <= list_pins("-dev")[0]
