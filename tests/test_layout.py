import msgspec
import numpy as np
import pytest

from predictor.exceptions import RecipeError
from predictor.lifecycle.retraining import RetrainRequest, retrain_model
from predictor.models import Version
from predictor.record.layout import Layout, read_layout
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.layout import FEWEST_ROWS, make_cases
from tests.recipes import write_recipe
from tests.training import keep_quiet, train

X = make_feature(name="x", kind="number", label="x", seen=(0.0, 10.0), minimum=0)
N = make_feature(name="n", kind="integer", label="n", seen=(1.0, 9.0))
SEX = make_feature(name="sex", kind="category", label="Sex", choices=("f", "m"), seen=("f", "m"))
DAY = make_feature(name="day", kind="date", label="Day", seen=(19000.0, 19100.0))
TEXT = make_feature(name="text", kind="text", label="Text")
RECIPE = 'title = "A"\ntarget = "y"\ndata = "data.csv"\nholdout = 0\n'
ESTIMATOR = '\n[estimator]\nclass = "sklearn.linear_model.Ridge"\n'
CSV = "x,town,y\n" + "".join(f"{i / 7:.3f},{'abc'[i % 3]},{i}\n" for i in range(100))


def list_cases(features, target, matrix, answers):
    return list(make_cases(Schema(features=features, target=target), matrix, answers))


def test_a_typical_case_has_the_median_or_most_frequent_value_of_each_column_and_no_text():
    drawn = np.random.default_rng(0)
    matrix = np.column_stack(
        [
            drawn.uniform(0, 10, 300),
            drawn.integers(1, 10, 300),
            np.arange(300) % 3 == 0,
            drawn.integers(19000, 19100, 300),
            np.full(300, np.nan),
        ]
    )
    cases = list_cases((X, N, SEX, DAY, TEXT), Target(name="y", label="y", task="regression"), matrix, matrix[:, 0])
    assert [case.about for case in cases] == ["all", "low", "high"]
    assert cases[0].inputs == {"x": 5.6, "n": 5, "sex": "f", "day": cases[0].inputs["day"]}
    assert cases[1].inputs["x"] < cases[0].inputs["x"] < cases[2].inputs["x"]


def test_each_of_a_few_classes_has_a_typical_case_if_enough_rows_have_it():
    target = Target(name="y", label="y", task="classification", classes=("a", "b", "c"))
    codes = np.repeat([0.0, 1.0, 2.0], [100, 100, FEWEST_ROWS - 1])
    matrix = (codes * 3 + np.random.default_rng(0).normal(1, 0.3, len(codes)).clip(0)).reshape(-1, 1)
    cases = list_cases((X,), target, matrix, codes)
    assert [case.of_class for case in cases if case.about == "class"] == ["a", "b"]


def test_a_case_that_is_one_of_the_rows_is_left_out():
    matrix = np.column_stack([np.full(60, 3.0), np.arange(60) % 2])
    assert list_cases((N, SEX), Target(name="y", label="y", task="regression"), matrix, np.arange(60.0)) == []


@pytest.mark.django_db
def test_groups_order_and_examples_of_a_recipe_are_stored_with_the_version(tmp_path):
    toml = f"""{RECIPE}order = ["town"]
    [[examples]]
    title = "Far"
    inputs = {{ x = 99, town = "b" }}
    [[examples]]
    title = "As usual"
    inputs = {{ town = "c" }}
    [features.x]
    group = "Where"
    {ESTIMATOR}"""
    version = train(write_recipe(tmp_path, "a", toml=toml, csv=CSV), "a")
    layout = Version.objects.get(id=version.id).parsed_layout
    assert (layout.groups, layout.order) == ({"x": "Where"}, ("town",))
    typical = layout.examples[0].inputs["x"]
    assert [(each.title, each.inputs) for each in layout.examples[1:]] == [
        ("Far", {"x": 99.0, "town": "b"}),
        ("As usual", {"x": typical, "town": "c"}),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('order = ["z"]', "order: 'z' is not an input; the inputs are 'x', 'town'"),
        ('order = ["x", "x"]', "order: 'x' is listed twice"),
        ('[[examples]]\ntitle = "E"\ninputs = { town = "z" }', "examples[0].inputs.town: “z” is not a choice"),
        ('[[examples]]\ntitle = "E"\ninputs = { z = 1 }', "examples[0].inputs.z: There is no field “z”"),
        ("[[examples]]\ninputs = { x = 1 }", "examples[0].title: is missing"),
        ("examples = 5", "examples: must be tables such as [[examples]], not 5"),
        ('[features.y]\ngroup = "A"', "features.y: this is the target"),
    ],
)
def test_what_the_form_could_not_show_is_refused_with_its_key(tmp_path, toml, message):
    folder = write_recipe(tmp_path, "a", toml=RECIPE + toml + ESTIMATOR, csv=CSV)
    with pytest.raises(RecipeError) as caught:
        train(folder, "a")
    assert message in str(caught.value)


@pytest.mark.django_db
def test_another_group_makes_a_version_and_nothing_new_makes_none(tmp_path):
    def retrain(toml):
        folder = write_recipe(tmp_path, "a", toml=RECIPE + toml + ESTIMATOR, csv=CSV)
        return retrain_model(folder, RetrainRequest(slug="a", by="tests"), keep_quiet).version

    assert retrain("") == 1
    # As the former build stored it.
    Version.objects.update(layout=None)
    assert retrain("") is None
    assert retrain('[features.x]\ngroup = "Where"') == 2


def test_a_version_without_a_layout_has_an_empty_one():
    assert read_layout(None) == read_layout({}) == Layout()
    # A build that stores more must not stop this one.
    assert read_layout(msgspec.to_builtins(Layout(order=("x",))) | {"later": 1}) == Layout(order=("x",))
    assert Version._meta.get_field("layout").null  # A process of the former build writes none.
