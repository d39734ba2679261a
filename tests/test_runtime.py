import numpy as np
import pytest

from predictor.exceptions import NoAnswer
from predictor.serving.runtime import load_runtime
from tests.training import train

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("texts", "labels", "names"),
    [
        (("false", "true"), (False, True), {"false", "true"}),
        (("0", "1"), (0, 1), {"0", "1"}),
        (("no", "yes"), ("no", "yes"), {"no", "yes"}),
    ],
)
def test_a_class_is_answered_as_the_table_has_it(client, models_dir, texts, labels, names):
    (models_dir / "line/data.csv").write_text("x,y\n" + "".join(f"{x},{texts[x > 50]}\n" for x in range(100)))
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace("LinearRegression", "LogisticRegression"))
    runtime = load_runtime(train(models_dir, "line"))

    low, high = runtime.predict(np.array([[1.0], [99.0]]))
    assert (low.output, high.output) == labels
    assert type(high.output) is type(labels[1])
    assert set(high.probabilities) == names
    page = client.post("/", {"x": "99"}, follow=True).content.decode()
    assert f">{'yes' if labels[1] is True else labels[1]}</output>" in page


def test_an_estimator_without_probabilities_gives_none(models_dir):
    recipe = models_dir / "penguins/model.toml"
    changed = recipe.read_text().replace("linear_model.LogisticRegression", "svm.LinearSVC")
    recipe.write_text(changed.replace("max_iter = 1000", "max_iter = 10000"))
    version = train(models_dir, "penguins")
    runtime = load_runtime(version)
    row = runtime.schema.parse({"island": "Dream", "year": 2008})
    assert runtime.predict(runtime.schema.encode([row]))[0].probabilities is None
    assert set(version.metrics["scores"]) == {"accuracy", "macro_f1"}


def test_what_the_estimator_refuses_is_no_answer(models_dir):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace("linear_model.LinearRegression", "tree.DecisionTreeRegressor"))
    runtime = load_runtime(train(models_dir, "line"))
    with pytest.raises(NoAnswer, match="no finite answer"):
        runtime.predict(np.array([[1e39]]))
