import numpy as np
import pytest

from predictor.models import Kept
from predictor.record.background import BACKGROUND, MOST_ROWS, Background, read_background, write_background
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.table import Table
from predictor.schema.target import Target
from predictor.training.background import make_background
from tests.recipes import write_recipe
from tests.training import train

X = make_feature(name="x", kind="number", label="x", seen=(0.0, 10.0))
N = make_feature(name="n", kind="integer", label="n", seen=(1.0, 9.0))
SEX = make_feature(name="sex", kind="category", label="Sex", choices=("f", "m"), seen=("f", "m"))
TEXT = make_feature(name="text", kind="text", label="Text")
TARGET = Target(name="y", label="y", task="regression")


def make(features, inputs, *, show_data=False):
    return make_background(Schema(features=features, target=TARGET), inputs, show_data=show_data, seed=0)


def draw(count):
    drawn = np.random.default_rng(1)
    x = drawn.normal(5, 2, count)
    return np.column_stack([x, np.round(x + drawn.normal(0, 0.5, count)), drawn.random(count) < 0.25])


def is_row(row, matrix):
    return ((matrix == row) | (np.isnan(matrix) & np.isnan(row))).all(axis=1).any()


def test_columns_have_their_quantiles_and_go_together_as_in_training():
    matrix = draw(2_000)
    matrix[:400, 1] = np.nan
    made = make((X, N, SEX), matrix).inputs
    assert len(made) == MOST_ROWS
    assert np.isclose(np.median(made[:, 0]), np.median(matrix[:, 0]), atol=0.1)
    assert np.isclose(np.std(made[:, 0]), np.std(matrix[:, 0]), rtol=0.05)
    assert abs(made[:, 2].mean() - matrix[:, 2].mean()) < 0.011
    assert abs(np.isnan(made[:, 1]).mean() - 0.2) < 0.011
    kept = ~np.isnan(made[:, 1])
    assert np.corrcoef(made[kept, 0], made[kept, 1])[0, 1] > 0.8


@pytest.mark.parametrize("count", [20, 60, 499, 3_000])
def test_without_show_data_no_row_is_a_training_row(count):
    matrix = draw(count)
    made = make((X, N, SEX), matrix).inputs
    assert 1 <= len(made) <= MOST_ROWS
    assert not any(is_row(row, matrix) for row in made)


def test_a_row_that_many_rows_of_the_table_have_may_be_in_it():
    matrix = np.column_stack([np.arange(200) % 3 + 1.0, np.arange(200) % 2])
    rare = np.array([[9.0, 0.0]] * 4)
    made = make((N, SEX), np.vstack([matrix, rare])).inputs
    assert len(made)
    assert not any(is_row(row, rare) for row in made)


def test_fewer_than_20_rows_have_no_background():
    assert make((X, N, SEX), draw(19), show_data=True) is None


def test_texts_are_drawn_from_words_that_many_texts_have():
    texts = np.array([f"good house secret{i}" if i % 4 else None for i in range(400)], dtype=object)
    background = make((TEXT,), Table(matrix=np.full((400, 1), np.nan), texts={0: texts}))
    words = {word for text in background.texts[0] if text for word in text.split()}
    assert words == {"good", "house"}
    assert background.texts[0].count(None) == pytest.approx(len(background.texts[0]) / 4, abs=1)
    assert [*background.inputs.texts[0]] == [*background.texts[0]]


def test_it_is_read_as_it_was_written():
    background = Background.pack(np.array([[1.5, np.nan]]), {})
    assert np.array_equal(read_background(write_background(background)).inputs, [[1.5, np.nan]], equal_nan=True)


@pytest.mark.django_db
def test_a_retrain_keeps_a_background_with_its_version(tmp_path):
    csv = "x,town,y\n" + "".join(f"{i / 7:.3f},{'abc'[i % 3]},{i}\n" for i in range(100))
    toml = 'title = "A"\ntarget = "y"\ndata = "data.csv"\n[estimator]\nclass = "sklearn.linear_model.Ridge"\n'
    version = train(write_recipe(tmp_path, "a", toml=toml, csv=csv), "a")
    content = Kept.objects.find_content(version.id, BACKGROUND)
    assert read_background(content).inputs.shape[1] == 2
    assert Kept.objects.find_content(version.id, "nothing") is None
