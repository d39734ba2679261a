"""Recipes with columns of texts, from a table to answers, comparisons and reports."""

import json
import pickle
from operator import itemgetter

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction import text as sklearn_text

from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import InvalidInput, RecipeError, TrainingError
from predictor.languages import LANGUAGES, use_language
from predictor.lifecycle.retraining import RetrainRequest, retrain_model
from predictor.models import Prediction, Version
from predictor.outcomes.recording import record_outcome
from predictor.schema.kinds import make_feature
from predictor.schema.seen_words import SeenWords, collect_words, find_words, store_words
from predictor.serving.runtime import Runtime, load_runtime
from predictor.training.dataset import load_dataset
from predictor.training.evaluation import evaluate_model, fit_model, predict_rows
from predictor.training.pipeline import build_pipeline
from predictor.training.reports.importances import measure_importances
from predictor.training.tuning import tune_model
from predictor.training.vectorising import CHARACTERS, WORDS, TfidfVectorizer
from tests.answers import change_inputs
from tests.recipes import make_recipe
from tests.texts import make_reviews, make_spam, write_csv
from tests.training import keep_quiet, train

database = pytest.mark.django_db
LOGISTIC = '[estimator]\nclass = "sklearn.linear_model.LogisticRegression"\n'
RIDGE = LOGISTIC.replace("LogisticRegression", "Ridge")
TREES = '[estimator]\nclass = "sklearn.ensemble.HistGradientBoostingClassifier"\nparams = { max_iter = 10 }\n'
SPAM = 'title = "Spam"\ntarget = "label"\ndata = "data.csv"\n'
COLUMNS = make_spam()
ALONE = write_csv(COLUMNS, "message", "label")
# A text between other kinds, with gaps in all of them.
MIXED = {
    "sent": [None if i % 17 == 0 else value for i, value in enumerate(COLUMNS["sent"])],
    "message": [None if i % 13 == 0 else value for i, value in enumerate(COLUMNS["message"])],
    "source": [["web", "mail", None][i % 3] for i in range(200)],
    "day": [f"2026-03-{1 + i % 28:02}" for i in range(200)],
    "subject": [f"{COLUMNS['message'][i * 7 % 200]} {i}" for i in range(200)],
    "label": COLUMNS["label"],
}


@pytest.fixture
def spam(models_dir, db):
    """Write the recipe of a model of messages, and make a version of it live."""

    def call(toml=SPAM + LOGISTIC, csv=ALONE):
        folder = models_dir / "spam"
        folder.mkdir(exist_ok=True)
        (folder / "data.csv").write_text(csv)
        (folder / "model.toml").write_text(toml)
        return train(models_dir, "spam")

    return call


def ask(client, inputs):
    return client.post("/api/v1/models/spam/predict", json.dumps({"inputs": inputs}), content_type="application/json")


def fit(tmp_path, toml=SPAM + LOGISTIC, csv=ALONE):
    """A recipe, its dataset, its model, and that fitted on the training rows."""
    recipe = make_recipe(tmp_path, slug="spam", toml=toml, csv=csv)
    dataset = load_dataset(recipe)
    model = build_pipeline(recipe, dataset.schema)
    return dataset, model, fit_model(model, dataset, dataset.training)


class TestSite:
    pytestmark = database

    def test_a_text_is_answered_by_form_and_api_kept_and_trained_on_again(self, spam, client, models_dir):
        version = spam()
        assert [(each.name, each.kind) for each in version.parsed_schema.features] == [("message", "text")]
        assert isinstance(load_runtime(version).estimator, CompiledModel)
        typed = "Claim your\r\n  FREE prize 👍 "
        made = client.post("/spam/", {"message": typed})
        kept = Prediction.objects.get()
        assert (kept.inputs, kept.output, kept.warnings) == ({"message": typed.replace("\r\n", "\n")}, "spam", [])
        form = change_inputs(client, made["Location"])
        assert form.select_one("textarea").text.removeprefix("\n") == kept.inputs["message"]
        sent = ask(client, [{"message": typed}, {"message": "see you later, mum"}]).json()["predictions"]
        assert [each["output"] for each in sent] == ["spam", "ham"]
        assert sent[0]["probabilities"] == pytest.approx(kept.probabilities)
        loaded = load_runtime(version).estimator
        table = load_runtime(version).schema.encode([load_runtime(version).schema.parse({"message": typed})])
        assert loaded.predict_proba(table)[0] == pytest.approx([kept.probabilities["ham"], kept.probabilities["spam"]])

        record_outcome(kept, "ham", by="tests", seen=None)
        call_command("retrain", "spam", with_outcomes=True, force=True)
        newest = Version.objects.order_by("-number").first()
        assert newest.data["outcomes"]["used"] == 1
        assert newest.decision["verdict"] not in ("cannot compare", "unopposed")

    def test_a_retrain_on_the_same_texts_registers_nothing(self, spam, models_dir):
        version = spam(csv=write_csv(COLUMNS, "sent", "message", "label"))
        assert "at 0x" not in version.estimator
        # As former builds stored it.
        version.estimator = version.estimator.replace("to_numbers", "to_numbers at 0x7f1596b207c0")
        version.save()
        done = retrain_model(models_dir, RetrainRequest(slug="spam", by="tests"), keep_quiet)
        assert (done.version, done.reason) == (None, "predicts as version 1, which is live: nothing to register")

    def test_a_category_that_becomes_a_text_cannot_be_compared_and_keeps_its_held_out_rows(self, spam):
        kinds = [f'{SPAM}[features.message]\nkind = "{kind}"\n{LOGISTIC}' for kind in ("category", "text")]
        before, after = map(spam, kinds)
        assert after.decision["reason"].endswith("cannot compare: 'message' was a category and is a text")
        assert before.data["held_out_rows"] == after.data["held_out_rows"]

    def test_a_warning_is_kept_where_no_word_was_ever_seen(self, spam, client):
        spam()
        warning = "message: none of its words was ever seen in training"
        texts = ["Zyzzyva qwertz 123!", "…?!", "現金", "zyzzyva LUNCH"]
        sent = ask(client, [{"message": text} for text in texts]).json()["predictions"]
        assert [each["warnings"] for each in sent] == [[warning], [warning], [warning], []]
        kept = Prediction.objects.exclude(warnings=[])
        assert [row.warning_codes for row in kept] == [[{"code": "no_word_seen", "field": "message"}]] * 3
        with use_language(LANGUAGES["de"]):
            assert kept[0].written_warnings == ["message: keines der Wörter ist im Training vorgekommen"]

    def test_what_is_wrong_with_a_text_names_field_value_and_limit(self, spam, client):
        spam(SPAM + '[features.message]\nlabel = "Your message"\nmaximum_length = 20\n' + LOGISTIC)
        for answer in (ask(client, {"message": "x" * 21}), client.post("/spam/", {"message": "x" * 21})):
            assert answer.status_code == 422
            assert "is too long: give a text of at most 20 characters." in answer.content.decode()
        assert ask(client, {"message": "x" * 21}).json()["error"]["codes"] == {"message": "too_long"}
        assert ask(client, {"message": "x" * 20}).status_code == 200

    def test_the_admins_list_shortens_a_text_that_the_predictions_page_shows_as_a_whole(
        self, spam, client, admin_client
    ):
        spam()
        text = "free cash and a prize for you " * 20
        ask(client, {"message": text})
        listed = admin_client.get("/admin/predictor/prediction/").content.decode()
        assert "message = free cash and a prize for you free cash …" in listed
        assert text not in listed
        opened = admin_client.get(f"/admin/predictor/prediction/{Prediction.objects.get().id}/change/")
        assert text.strip() in opened.content.decode()

    def test_texts_between_other_kinds_are_answered_where_all_may_be_missing(self, spam, client):
        spam(SPAM + LOGISTIC, write_csv(MIXED))
        full = {"sent": 3, "message": "free cash", "source": "web", "day": "2026-03-05", "subject": "lunch later mum 7"}
        gaps = {**dict.fromkeys(full), "day": "2026-03-05", "subject": "claim your prize"}
        answers = ask(client, [full, gaps])
        assert answers.status_code == 200, answers.content
        kept = [row.inputs for row in Prediction.objects.all()]
        assert sorted(kept, key=itemgetter("subject")) == [gaps, full]
        assert isinstance(load_runtime(Version.objects.get()).estimator, CompiledModel)
        features = Version.objects.get().parsed_report.importances.features
        assert [each.name for each in features] == list(full)


@pytest.mark.parametrize("analyser", [WORDS, CHARACTERS])
@pytest.mark.parametrize(("fewest", "most"), [(1, None), (2, None), (2, 50), (0.05, 50)])
def test_a_fitted_vectoriser_is_the_very_one_that_scikit_learn_fits(analyser, fewest, most):
    # Of 200 texts, many terms are equally frequent: which of these are kept depends on their order.
    given = {**analyser, "sublinear_tf": True, "min_df": fewest, "max_features": most}
    ours, theirs = TfidfVectorizer(**given), sklearn_text.TfidfVectorizer(**given)
    counts, expected = (each.fit_transform(COLUMNS["message"]) for each in (ours, theirs))
    assert type(ours) is type(theirs)
    for made, wanted in ((ours, theirs), (counts, expected)):
        assert {name: pickle.dumps(each) for name, each in vars(made).items()} == {
            name: pickle.dumps(each) for name, each in vars(wanted).items()
        }


@pytest.mark.parametrize("estimator", [LOGISTIC, TREES, RIDGE], ids=["linear", "trees", "regression"])
def test_a_prediction_follows_from_its_row_alone_whatever_the_estimator(tmp_path, estimator):
    toml, csv = SPAM + estimator, write_csv(MIXED)
    if estimator == RIDGE:
        toml, csv = toml.replace('"label"', '"sent"'), write_csv({**MIXED, "sent": COLUMNS["sent"]})
    dataset, _, fitted = fit(tmp_path, toml, csv)
    classes = len(dataset.schema.target.classes)
    together = predict_rows(fitted, dataset.inputs, classes)
    alone = [predict_rows(fitted, dataset.inputs.take([row]), classes).predicted[0] for row in range(20)]
    assert together.predicted[:20] == pytest.approx(alone)
    if classes:
        assert together.probabilities == pytest.approx(fitted.predict_proba(dataset.inputs))
        assert (together.predicted == fitted.predict(dataset.inputs)).all()


def test_texts_are_shuffled_as_one_input_each(tmp_path):
    dataset, _, fitted = fit(
        tmp_path, csv=write_csv({**COLUMNS, "noise": MIXED["subject"]}, "message", "noise", "label")
    )
    found = measure_importances(fitted, dataset, "log_loss", seed=0)
    means = {each.name: each.mean for each in found.features}
    assert means["message"] > 5 * abs(means["noise"])


def test_texts_are_measured_out_of_fold_where_nothing_is_held_out(tmp_path):
    dataset, model, fitted = fit(tmp_path, f"holdout = 0\n{SPAM}{LOGISTIC}")
    evaluation = evaluate_model(model, fitted, dataset)
    assert (evaluation.method, evaluation.rows) == ("5-fold out-of-fold", 200)
    assert evaluation.scores["log_loss"] < evaluation.baseline["log_loss"] / 2


def test_the_steps_before_an_estimator_of_texts_are_tuned_by_their_names(models_dir, db):
    tune = "[tune.params]\nC = [0.1, 10]\ntfidfvectorizer__min_df = [1, 500]\n"
    folder = models_dir / "spam"
    folder.mkdir()
    (folder / "data.csv").write_text(ALONE)
    (folder / "model.toml").write_text(SPAM + LOGISTIC + tune)
    tuning = train(models_dir, "spam").parsed_report.tuning
    assert (tuning.params, tuning.failed) == ({"C": 10, "tfidfvectorizer__min_df": 1}, 2)


@pytest.mark.parametrize(
    ("columns", "terms"),
    [(COLUMNS, WORDS), ({"message": make_reviews()["review"], "label": COLUMNS["label"]}, CHARACTERS)],
)
def test_terms_are_words_or_without_blanks_between_them_characters(tmp_path, columns, terms):
    _, model, _ = fit(tmp_path, csv=write_csv(columns, "message", "label"))
    chosen = model.named_steps["tfidfvectorizer"].get_params()
    assert {key: chosen[key] for key in terms} == terms


def test_where_no_term_is_in_two_texts_those_of_one_are_used(tmp_path):
    csv = "message,label\n" + "".join(f"a{i} b{i} c{i} d{i},{'spam' if i % 2 else 'ham'}\n" for i in range(60))
    toml = f"{SPAM}{LOGISTIC}[tune.params]\nC = [1, 10]\n"
    dataset, model, fitted = fit(tmp_path, toml, csv)
    rows = dataset.training
    assert (predict_rows(fitted, dataset.inputs.take(rows), 2).predicted == dataset.target[rows]).all()
    tuned = tune_model(make_recipe(tmp_path, slug="spam", toml=toml, csv=csv), model, dataset, "log_loss", keep_quiet)
    assert tuned.tuning.failed == 0


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('kind = "text"\nminimum = 3', "features.message: minimum and maximum are for numbers, and this is a text"),
        ('kind = "text"\nchoices = ["a"]', "features.message.kind: choices make a category, not 'text'"),
        ('kind = "text"\nunseen = "other"', "features.message.unseen: it is for categories, not 'text'"),
        ('kind = "category"\nmaximum_length = 9', "features.message.maximum_length: it is for texts, not 'category'"),
        ("maximum_length = 0", "features.message.maximum_length: must be an integer >= 1, not 0"),
        ("maximum_length = 50_000", "features.message.maximum_length: must be an integer <= 40000, not 50000"),
    ],
)
def test_keys_that_do_not_go_with_a_text_are_refused_by_name(tmp_path, keys, problem):
    with pytest.raises(RecipeError, match=problem):
        fit(tmp_path, f"{SPAM}[features.message]\n{keys}\n{LOGISTIC}")


def test_a_length_for_what_is_no_text_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"features\.sent\.maximum_length: it is for texts, and this is integer"):
        fit(tmp_path, f"{SPAM}[features.sent]\nmaximum_length = 9\n{LOGISTIC}", write_csv(COLUMNS))


def test_rows_with_a_longer_text_than_the_form_takes_are_counted(tmp_path):
    dataset, *_ = fit(tmp_path, f"{SPAM}[features.message]\nmaximum_length = 30\n{LOGISTIC}")
    longer = sum(len(text) > 30 for text in COLUMNS["message"])
    assert f"message: {longer} rows have a longer text than 30 characters" in dataset.notes


def test_texts_without_a_word_are_an_error_of_the_recipe(tmp_path):
    csv = "message,label\n" + "".join(f"{'!' * i},{i % 2}\n" for i in range(1, 60))
    with pytest.raises(TrainingError, match="LogisticRegression could not be fitted: empty vocabulary"):
        fit(tmp_path, f'{SPAM}[features.message]\nkind = "text"\n{LOGISTIC}', csv)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """A model of messages as it is served, without a database."""
    dataset, _, fitted = fit(tmp_path_factory.mktemp("served"))
    return Runtime(version=Version(), schema=dataset.schema, estimator=fitted)


@given(st.text(max_size=1_100))
def test_whatever_is_typed_is_refused_by_name_or_answered(runtime, text):
    try:
        row = runtime.schema.parse({"message": text})
    except InvalidInput as error:
        named = error.problems.keys()
    else:
        named = set()
    assert named in (set(), {"message"})
    if named:
        return
    [answer], _ = runtime.answer([row])
    assert sum(answer.probabilities.values()) == pytest.approx(1)


@given(st.lists(st.text(max_size=30), max_size=30), st.text(max_size=60))
def test_every_word_of_the_training_texts_counts_as_seen_and_few_others_do(texts, entry):
    words = collect_words(" ".join(texts))
    assert words == {word for text in texts for word in find_words(text)}
    stored = store_words(words)
    feature = make_feature(kind="text", name="message", label="Message", required=False, words=stored)
    assert not words or all(word in SeenWords(stored) for word in words)
    if words & set(find_words(entry)):
        assert feature.find_warning(entry) is None


def test_a_set_of_words_is_bounded_and_seldom_wrong():
    stored = store_words(f"word{i}" for i in range(10_000))
    assert len(stored) < 25_000
    assert sum(f"other{i}" in SeenWords(stored) for i in range(5_000)) < 0.02 * 5_000
    assert len(store_words(f"word{i}" for i in range(200_000))) < 100_000
