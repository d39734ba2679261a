"""What README and docs name exists, and what they show works: commands, options, links, keys, settings, examples."""

import json
import re
import tomllib
from functools import cache

import msgspec
import pytest
from django.core.management import BaseCommand, ManagementUtility, get_commands

from benchmarks.attacks import __main__ as attacks
from predictor.training import recipe
from predictor.training.description import find_description
from tests.conftest import ROOT

ALL = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# What changed says what was there once, too.
PAGES = [page for page in ALL if page.name != "CHANGELOG.md"]
OURS = sorted(name for name, app in get_commands().items() if app == "predictor")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
# Of Chromium, of heroku, of schemathesis and of openapi-python-client.
FOREIGN = {"--no-deps", "--disable-background-networking", "--host-resolver-rules", "--wait", "--manifest"}
# Of dask.
FOREIGN |= {"--nworkers", "--nthreads", "--host", "--dashboard-address"}
FOREIGN |= {"--header", "--exclude-checks", "--max-examples", "--url"}
VARIABLE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
WHOLE_RECIPE = 'title = "A"\ndata = "data.csv"\ntarget = "y"\n[estimator]\nclass = "sklearn.linear_model.Ridge"\n'


def name_page(page):
    return page.relative_to(ROOT).as_posix()


def find_fences(page, language):
    return [text for name, text in FENCE.findall(page.read_text()) if name == language]


@cache
def find_code(page):
    """The code of a page: each span between backticks, and each line of a console, continued lines joined."""
    text = page.read_text()
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]
    consoles = "".join(find_fences(page, "console")).replace("\\\n", "")
    return [*spans, *(re.split(r"\s#\s", line)[0].removeprefix("$ ") for line in consoles.splitlines())]


def find_calls(page):
    """The calls of manage.py on a page, as (command, rest). Our commands may stand without `manage.py`."""
    for code in find_code(page):
        found = re.match(r"(?:.*\s)?(?:\./)?manage\.py (\w+)(.*)", code) or re.match(rf"({'|'.join(OURS)})( .*)", code)
        if found:
            yield found.groups()


@cache
def find_options(command):
    """The options of a command, those that every command has left out where it is one of ours."""
    if command == "help":
        return set()
    known = get_options(ManagementUtility().fetch_command(command))
    return known - get_options(BaseCommand()) if command in OURS else known


def get_options(command):
    parser = command.create_parser("manage.py", "command")
    return {option for action in parser._actions for option in action.option_strings if option.startswith("--")}


def find_modules(folder):
    """The modules of a folder; not those of the environments that benchmarks/run makes in benchmarks/.peers."""
    visible = [path for path in (ROOT / folder).iterdir() if not path.name.startswith(".")]
    return [
        *(path for path in visible if path.suffix == ".py"),
        *(file for path in visible for file in path.rglob("*.py")),
    ]


@cache
def find_benchmark_options():
    return {
        option
        for source in find_modules("benchmarks")
        for option in re.findall(r'add_argument\(\s*"(--[a-z-]+)"', source.read_text())
    }


def find_option_tables(page):
    """The tables of options on a page, as (command, options): they belong to the command that is named before."""
    text = page.read_text()
    for table in re.finditer(r"^\| option \|.*\n(?:\|.*\n)+", text, re.MULTILINE):
        command = re.findall(r"manage\.py (\w+)", text[: table.start()])[-1]
        cells = "".join(re.findall(r"^\| (.*?) \|", table.group(), re.MULTILINE))
        yield command, set(OPTION.findall(cells))


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_command_that_a_page_names_is_there_and_has_its_options(page):
    known = {*get_commands(), "help"}
    calls = list(find_calls(page))
    assert {command for command, _ in calls if command not in known} == set()
    wrong = {
        (command, option)
        for command, rest in calls
        for option in OPTION.findall(rest)
        if option not in find_options(command)
    }
    assert wrong == set()


@pytest.mark.parametrize("page", ALL, ids=name_page)
def test_commands_are_written_in_one_way_outside_of_heroku(page):
    called = [code for code in find_code(page) if re.search(r"manage\.py \w", code)]
    assert [code for code in called if not code.startswith(("./manage.py", "heroku run python manage.py"))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_option_that_a_page_names_is_one_of_ours(page):
    ours = set().union(*(find_options(command) for command in [*OURS, "check"])) | find_benchmark_options() | FOREIGN
    named = {option for code in find_code(page) for option in OPTION.findall(code)}
    assert named - ours - {"--help"} == set()


@pytest.mark.parametrize("command", OURS)
def test_every_option_of_our_commands_stands_in_the_docs(command):
    calls = [call for page in PAGES for call in find_calls(page)]
    documented = {option for name, rest in calls if name == command for option in OPTION.findall(rest)}
    for page in PAGES:
        for name, options in find_option_tables(page):
            documented |= options if name == command else set()
    assert find_options(command) - documented == set()
    assert command in {name for name, _ in calls}


def test_a_table_of_options_has_all_of_its_command_and_no_other():
    tables = [table for page in PAGES for table in find_option_tables(page)]
    assert sorted(command for command, _ in tables) == ["createkey", "importmodel", "record_outcomes", "retrain"]
    assert {command: options ^ find_options(command) for command, options in tables} == {
        command: set() for command, _ in tables
    }


@cache
def find_anchors(page):
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    anchors = set()
    for heading in headings:
        anchor = first = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while anchor in anchors:
            number += 1
            anchor = f"{first}-{number}"
        anchors.add(anchor)
    return anchors


@pytest.mark.parametrize("page", ALL, ids=name_page)
def test_every_link_within_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text()))
    broken = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in find_anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_of_the_docs_is_linked():
    linked = {
        (page.parent / link).resolve() for page in ALL for link in re.findall(r"\]\(([^)\s#]+\.md)", page.read_text())
    }
    assert set((ROOT / "docs").glob("*.md")) - linked == set()


@pytest.mark.parametrize("page", ALL, ids=name_page)
def test_every_file_that_a_page_names_is_there(page):
    """In full, or from predictor/ on. What is below ml_models/ is the reader's own, or made by a retrain."""
    named = {code for code in find_code(page) if re.fullmatch(r"(?:[\w.]+/)+\w[\w.]*\.\w+", code)}
    named |= {file for code in find_code(page) for file in re.findall(r"\b(?:tests|benchmarks)/\w+\.py", code)}
    own = {name for name in named if name.startswith("ml_models/")} - {"ml_models/penguins/model.toml"}
    missing = {name for name in named - own if not any((ROOT / top / name).exists() for top in ("", "predictor"))}
    assert missing == set()


@pytest.mark.parametrize("page", ALL, ids=name_page)
def test_every_benchmark_and_test_that_a_page_asks_for_is_there(page):
    for code in find_code(page):
        for module in re.findall(r"python -m benchmarks\.(\w+)", code):
            assert any((ROOT / "benchmarks" / path).exists() for path in (f"{module}.py", module)), code
        for file, name in re.findall(r"(tests/test_\w+\.py) -k (\w+)", code):
            assert re.search(rf"def test_\w*{name}", (ROOT / file).read_text()), code


def test_every_attack_on_the_page_of_security_has_a_test_that_repeats_it():
    text = (ROOT / "docs/security.md").read_text()
    attacked = text.partition("## What was attacked")[2].partition("\n## ")[0]
    rows = [line for line in attacked.splitlines() if re.match(r"\| (?!.* to repeat it \|$)[^-]", line)]
    assert len(rows) > 30
    assert [row for row in rows if not re.search(r"\| `tests/test_\w+\.py -k \w+` \|$", row)] == []


@pytest.mark.parametrize("page", ALL, ids=name_page)
def test_every_attack_that_a_page_names_to_the_benchmark_is_one_of_its_own(page):
    calls = [re.match(r"python -m benchmarks\.attacks((?: [a-z][a-z-]*)*)", code) for code in find_code(page)]
    assert {name for call in calls if call for name in call.group(1).split()} - attacks.ATTACKS.keys() == set()


def read_table(page, before):
    """The first column's code of the first table behind a text."""
    table = re.search(r"(?:^\|.*\n)+", page.read_text().partition(before)[2], re.MULTILINE).group()
    return set(re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))


def name_keys(shape, *left_out):
    return {field.encode_name for field in msgspec.structs.fields(shape)} - set(left_out)


def test_the_tables_of_a_recipes_keys_have_every_key_and_no_other():
    page = ROOT / "docs/recipes.md"
    tables = ("features", "estimator", "gate", "contract", "tune", "output", "examples", "schedule", "translations")
    whole = name_keys(recipe.Recipe, "slug", "folder", *tables)
    assert read_table(page, "## Keys") == whole | {"[estimator]"} | name_keys(recipe.EstimatorRecipe)
    assert read_table(page, "Below `[features.<column>]`") == name_keys(recipe.FeatureRecipe)
    assert read_table(page, "`[contract]` turns") == name_keys(recipe.ContractRecipe)
    assert read_table(page, "`[schedule]` says") == name_keys(recipe.ScheduleRecipe)
    assert read_table(page, "`[output]` says") == name_keys(recipe.Output)
    assert read_table(page, "`[translations.<language>]` has") == name_keys(recipe.TranslationRecipe)


@pytest.mark.parametrize(("table", "shape"), [("gate", recipe.GateRecipe), ("tune", recipe.TuneRecipe)])
def test_the_keys_of_gate_and_tune_are_listed_every_one_and_no_other(table, shape):
    text = (ROOT / "docs/recipes.md").read_text()
    paragraph = re.search(rf"^`\[{table}\]`.*?\n\n", text, re.DOTALL | re.MULTILINE).group()
    assert set(re.findall(r"`([a-z]\w*)`", paragraph)) == name_keys(shape)


@cache
def read_sources():
    files = [ROOT / "gunicorn.conf.py", *(ROOT / "bin").iterdir()]
    for folder in ("mlsite", "predictor", "benchmarks"):
        files += find_modules(folder)
    return {name for file in files if file.is_file() for name in VARIABLE.findall(file.read_text())}


@pytest.mark.parametrize("page", ALL, ids=name_page)
def test_every_variable_that_a_page_names_is_read(page):
    named = set(VARIABLE.findall(" ".join(find_code(page))))
    listed = read_table(ROOT / "docs/configuration.md", "# Configuration")
    own = set(re.findall(r'os\.environ\["(\w+)"\]', page.read_text()))  # Of its examples.
    assert named - listed - read_sources() - own == set()


@pytest.mark.parametrize("page", ALL, ids=name_page)
def test_every_example_of_toml_json_and_python_can_be_read(page):
    for text in find_fences(page, "toml"):
        tomllib.loads(text)
    for text in find_fences(page, "python"):
        compile(text, str(page), "exec")
    for code in find_code(page):
        for text in re.findall(r"\{\"[^']*\}", code):
            json.loads(text.replace("…", ""))


def list_recipes():
    return [(page, text) for page in ALL for text in find_fences(page, "toml")]


@pytest.mark.parametrize(("page", "text"), list_recipes(), ids=lambda value: getattr(value, "name", ""))
def test_every_example_of_a_recipe_is_one(page, text, tmp_path):
    (tmp_path / "rent").mkdir()
    is_whole = text.startswith("title")
    (tmp_path / "rent/model.toml").write_text(text if is_whole else WHOLE_RECIPE + text)
    if page.name == "importing.md":
        assert find_description(tmp_path, "rent").features
        return
    assert recipe.read_recipe(tmp_path, "rent").slug == "rent"


@pytest.mark.django_db
def test_the_api_answers_as_the_readme_shows(client, line):
    readme = ROOT / "README.md"
    console = next(text for text in find_fences(readme, "console") if "curl" in text)
    body, path = re.search(r"-d '(.*?)' http://localhost:8000(\S+)", console).groups()
    shown = console.splitlines()[1]
    answer = client.post(path, body, content_type="application/json")
    pattern = re.escape(shown).replace("…", '[^",}\\]]+')
    assert re.fullmatch(pattern, answer.content.decode())

    error = client.post(path, {"inputs": {"x": "five"}}, content_type="application/json").json()
    written = next(code for code in find_code(readme) if code.startswith('{"error"'))
    example = json.loads(written)
    assert error["error"].keys() == example["error"].keys()
    assert error["error"]["code"] == example["error"]["code"]
    assert error["error"]["fields"].keys() == example["error"]["fields"].keys()
