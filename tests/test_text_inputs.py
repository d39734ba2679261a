"""Texts as inputs: what is typed is kept, a vectoriser gets it as it wants it, and an imported model answers it."""

import json

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from bs4 import BeautifulSoup
from django.core.management import CommandError
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, StandardScaler

from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import InvalidValue
from predictor.models import Prediction, Version
from predictor.outcomes.recording import record_outcome
from predictor.schema.kinds import make_feature, read_feature, write_feature
from predictor.schema.table import Table, take_rows
from predictor.serving.runtime import load_runtime
from predictor.threads import run_here, set_runner
from predictor.training.columns import encode_column
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.holdout import hash_rows
from tests.answers import change_inputs
from tests.importing import import_parts
from tests.recipes import LINE, make_recipe

RANDOM = np.random.default_rng(0)
SPAM, HAM = ["cash", "free", "prize", "claim", "win"], ["lunch", "mum", "later", "meeting", "see"]
LABELS = RANDOM.choice(["spam", "ham"], 200)
MESSAGES = pd.DataFrame(
    {
        "message": [" ".join(RANDOM.choice(SPAM if label == "spam" else HAM, 8)) for label in LABELS],
        "length": RANDOM.integers(10, 99, 200),
    }
)
TEXTS = MESSAGES["message"]
SAMPLE = MESSAGES[["message"]].assign(label=LABELS)
SCORED = MESSAGES[["message"]].assign(n=range(200))


@pytest.fixture
def bring(tmp_path, models_dir, capsys):
    """Import the files of a model and give what was said meanwhile."""

    def call(*arguments, sample=SAMPLE, target="label", **files):
        import_parts(tmp_path, "spam", files, sample, target, *arguments)
        return capsys.readouterr().err

    return call


def answer(client, **inputs):
    """The kept prediction of the form, which the API answers in the same way, with an outcome recorded for it."""
    response = client.post("/spam/", inputs, follow=True)
    assert response.status_code == 200, response.content.decode()
    prediction = Prediction.objects.latest("id")
    sent = client.post("/api/v1/models/spam/predict", json.dumps({"inputs": inputs}), content_type="application/json")
    [sent_back] = sent.json()["predictions"]
    assert (sent_back["output"], sent_back["probabilities"]) == (prediction.output, prediction.probabilities)
    outcome, _ = record_outcome(prediction, str(prediction.output), by="ada", seen=None)
    assert outcome.value == prediction.output
    return prediction


def make_text(**keys):
    return make_feature(kind="text", **{"name": "message", "label": "Message", **keys})


class TestPages:
    pytestmark = pytest.mark.django_db

    @pytest.mark.parametrize(
        ("estimator", "note"),
        [
            (make_pipeline(TfidfVectorizer(), LogisticRegression()), "compiled; on "),
            (
                make_pipeline(HashingVectorizer(n_features=64, alternate_sign=False), MultinomialNB()),
                "from its pickle: HashingVectorizer is not compiled",
            ),
            (
                make_pipeline(make_union(TfidfVectorizer(), CountVectorizer(analyzer="char")), LogisticRegression()),
                "compiled; on ",
            ),
            (
                GridSearchCV(make_pipeline(CountVectorizer(), MultinomialNB()), {"multinomialnb__alpha": [1, 2]}, cv=2),
                "compiled; on ",
            ),
        ],
        ids=["tf-idf", "hashing", "union", "search"],
    )
    def test_a_pipeline_that_begins_with_a_vectoriser_gets_a_list_of_texts(self, bring, client, estimator, note):
        estimator.fit(TEXTS, LABELS)
        bring(model=estimator)
        prediction = answer(client, message="claim your free prize")
        shares = estimator.predict_proba(["claim your free prize"])[0]
        assert prediction.output == "spam"
        assert prediction.probabilities == pytest.approx(dict(zip(estimator.classes_, shares, strict=True)))
        version = Version.objects.get()
        assert "pandas" not in version.libraries
        assert version.runtime_note.startswith(note)
        assert isinstance(load_runtime(version).estimator, CompiledModel) == note.startswith("compiled")

    def test_a_vectoriser_and_its_model_in_two_files_are_one_model(self, bring, client):
        vectorizer, encoder = TfidfVectorizer().fit(TEXTS), LabelEncoder().fit(LABELS)
        model = MultinomialNB().fit(vectorizer.transform(TEXTS), encoder.transform(LABELS))
        bring(vectorizer=vectorizer, model={"model": model, "labels": encoder})
        prediction = answer(client, message="see you later, mum")
        shares = model.predict_proba(vectorizer.transform(["see you later, mum"]))[0]
        assert prediction.output == "ham"
        assert prediction.probabilities == pytest.approx(dict(zip(encoder.classes_, shares, strict=True)))

    def test_a_text_is_described_next_to_codes_with_words_and_a_threshold(self, bring, client, models_dir):
        (models_dir / "spam").mkdir()
        (models_dir / "spam" / "model.toml").write_text(
            """
            [features.message]
            kind = "text"
            label = "Your message"
            [features.source.labels]
            7 = "web"
            2 = "mail"
            [output]
            positive = "spam"
            threshold = 0.001
            """
        )
        table = MESSAGES[["message"]].assign(source=RANDOM.choice([2, 7], 200))
        columns = [("text", TfidfVectorizer(), "message"), ("number", StandardScaler(), ["source"])]
        estimator = make_pipeline(ColumnTransformer(columns), LogisticRegression()).fit(table, LABELS)
        bring(model=estimator, sample=table.assign(label=LABELS))
        text, source = Version.objects.get().parsed_schema.features
        assert (text.kind, text.label, source.choices) == ("text", "Your message", ("7", "2"))
        assert Version.objects.get().runtime_note.startswith("compiled; on ")
        prediction = answer(client, message="lunch with mum", source="web")
        shares = estimator.predict_proba(pd.DataFrame({"message": ["lunch with mum"], "source": [7]}))[0]
        assert prediction.output == "spam"
        assert prediction.probabilities == pytest.approx(dict(zip(estimator.classes_, shares, strict=True)))

    def test_a_text_next_to_numbers_is_given_by_name(self, bring, client):
        columns = [("text", TfidfVectorizer(), "message"), ("number", StandardScaler(), ["length"])]
        estimator = make_pipeline(ColumnTransformer(columns), LogisticRegression()).fit(MESSAGES, LABELS)
        bring(model=estimator, sample=MESSAGES[["length", "message"]].assign(label=LABELS))
        kinds = {feature.name: feature.kind for feature in Version.objects.get().parsed_schema.features}
        assert kinds == {"message": "text", "length": "integer"}
        row = pd.DataFrame({"message": ["free cash"], "length": [20]})
        expected = dict(zip(estimator.classes_, estimator.predict_proba(row)[0], strict=True))
        assert answer(client, message="free cash", length="20").probabilities == pytest.approx(expected)
        assert isinstance(load_runtime(Version.objects.get()).estimator, CompiledModel)

    def test_what_is_not_found_to_be_a_text_is_named_by_the_option(self, bring, client):
        joined = FunctionTransformer(list)
        estimator = make_pipeline(joined, TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
        with pytest.raises(CommandError, match=r"message: .* free text.*name a column of free text with --text"):
            bring(model=estimator)
        bring("--text", "message", model=estimator)
        assert answer(client, message="free cash").output == "spam"
        with pytest.raises(CommandError, match="--text: 'words' is not a column; the columns are 'message'"):
            bring("--text", "words", model=estimator)

    def test_the_only_column_of_texts_is_asked_for_where_the_sample_has_more(self, bring):
        estimator = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
        with pytest.raises(
            CommandError, match="the model takes one column of texts, and the sample has 'message', 'len"
        ):
            bring(model=estimator, sample=MESSAGES.assign(label=LABELS))

    def test_the_row_numbers_of_a_sample_are_no_texts(self, bring, client):
        estimator = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
        bring(model=estimator, sample=SAMPLE.reset_index())
        assert answer(client, message="free cash").output == "spam"

    @pytest.mark.both_databases
    def test_a_text_is_kept_as_typed_and_shown_in_the_field_again(self, bring, client):
        bring(model=make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS))
        field = BeautifulSoup(client.get("/spam/").content, "html.parser").select_one("textarea[name=message]")
        assert (field["required"], field.text) == ("", "\n")
        typed = "  Free “cash” <b>&amp;</b>\r\n\r\nclaim 現金 👍 "
        prediction = answer(client, message=typed)
        assert prediction.inputs == {"message": typed.replace("\r\n", "\n")}
        page = change_inputs(client, prediction.get_absolute_url())
        assert page.select_one("textarea").text.removeprefix("\n") == prediction.inputs["message"]
        assert client.get("/about/spam/").status_code == 200

    @pytest.mark.both_databases
    @pytest.mark.parametrize("typed", ["\n free\n\ncash \n", "現\n" * 500, "\n<b>&amp;</b>\n" + "👍" * 900])
    def test_a_text_however_long_is_shown_in_the_field_again_with_its_line_ends(self, bring, client, typed):
        bring(model=make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS))
        prediction = answer(client, message=typed.replace("\n", "\r\n"))
        assert prediction.inputs == {"message": typed}
        page = change_inputs(client, prediction.get_absolute_url())
        assert page.select_one("textarea").text.removeprefix("\n") == typed
        assert page.select_one("form:has(textarea)")["action"] == "/spam/"

    @pytest.mark.parametrize(
        ("typed", "problem"),
        [
            ("", "A value is needed: give a text of at most 1000 characters."),
            (" \n ", "A value is needed"),
            ("x" * 1_001, "is too long: give a text of at most 1000 characters."),
            ("free\x00cash", "contains a character that cannot be stored: give a text of at most"),
        ],
    )
    def test_a_text_that_is_refused_is_shown_with_what_would_be_right(self, bring, client, typed, problem):
        bring(model=make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS))
        response = client.post("/spam/", {"message": typed})
        assert response.status_code == 422
        page = BeautifulSoup(response.content, "html.parser")
        assert problem in page.select_one(".field p.wrong").text
        body = json.dumps({"inputs": {"message": typed}})
        sent = client.post("/api/v1/models/spam/predict", body, content_type="application/json")
        assert sent.status_code == 422
        assert problem in sent.content.decode()
        assert not Prediction.objects.exists()

    def test_the_longest_text_fits_the_form_however_browsers_encode_it(self, bring, client):
        bring(model=make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS))
        assert answer(client, message="👍" * 1_000).inputs == {"message": "👍" * 1_000}
        assert answer(client, message="x\r\n" * 500).inputs == {"message": "x\n" * 500}

    @pytest.mark.both_databases
    def test_a_text_may_be_missing_where_the_sample_has_gaps(self, bring, client):
        sample = SAMPLE.assign(message=TEXTS.where(TEXTS.index % 9 != 0))
        estimator = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
        bring(model=estimator, sample=sample)
        prediction = answer(client, message="")
        assert prediction.inputs == {"message": None}
        expected = dict(zip(estimator.classes_, estimator.predict_proba([""])[0], strict=True))
        assert prediction.probabilities == pytest.approx(expected)

    def test_long_texts_are_predicted_in_a_real_thread_and_short_ones_are_not(self, bring):
        bring(model=make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS))
        runtime, called = load_runtime(Version.objects.get()), []
        set_runner(lambda work: called.append(work) or work())
        try:
            for text in ("free cash", "free cash " * 2_001):
                [answered] = runtime.predict(Table(matrix=np.array([[np.nan]]), texts={0: np.array([text], object)}))
                assert answered.output == "spam"
        finally:
            set_runner(run_here)
        assert len(called) == 1

    def test_no_text_of_the_sample_is_stored_or_shown(self, bring, client):
        bring(model=make_pipeline(TfidfVectorizer(), Ridge()).fit(TEXTS, range(200)), target="n", sample=SCORED)
        version = Version.objects.get()
        stored = json.dumps([version.schema, version.profile, version.report, version.metrics])
        pages = client.get("/spam/").content.decode() + client.get("/about/spam/").content.decode()
        assert not [text for text in TEXTS if text in stored or text in pages]
        # Nor are its words, since others may have been trained on.
        assert version.parsed_schema.features[0].words == ""

    def test_builds_without_texts_refuse_such_a_version(self, bring):
        bring(model=make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS))
        for artifact in Version.objects.get().artifacts.all():
            assert artifact.manifest == ""
            assert json.loads(artifact.manifest_2)["format"] == 3


@given(st.text(max_size=1_200))
def test_any_text_is_kept_or_refused_and_what_is_kept_is_parsed_to_itself(text):
    feature = make_text()
    try:
        kept = feature.parse(text)
    except InvalidValue as error:
        kept, code = None, error.problem.code
    if kept is None:
        assert code in ("missing", "too_long", "not_storable")
        return
    assert kept == text.replace("\r\n", "\n").replace("\r", "\n")
    assert feature.parse(kept) == feature.convert(kept) == kept
    json.dumps(kept).encode()


@pytest.mark.parametrize(("given", "kept"), [(5, "5"), (True, "True"), (None, None), (1.5, "1.5")])
def test_the_api_may_send_a_text_of_digits_as_a_number(given, kept):
    assert make_text(required=False).parse(given) == kept


def test_a_text_is_stored_with_its_length_and_read_again():
    feature = make_text(maximum_length=2_000)
    stored = write_feature(feature)
    assert list(stored)[:2] == ["name", "kind"]
    assert (stored["kind"], stored["maximum_length"]) == ("text", 2_000)
    assert read_feature(json.loads(json.dumps(stored))) == feature


def test_a_table_is_taken_by_rows_and_gives_texts_alone_or_next_to_numbers():
    texts = np.array(["a", None, "c"], dtype=object)
    alone = Table(matrix=np.full((3, 1), np.nan), texts={0: texts})
    assert alone.to_input().tolist() == ["a", "", "c"]
    beside = Table(matrix=np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]]), texts={1: texts})
    assert take_rows(beside, np.array([False, True, True])).to_input().tolist() == [[2.0, ""], [3.0, "c"]]
    assert take_rows(beside, slice(0, 1)).to_input().tolist() == [[1.0, "a"]]
    assert len(beside) == 3


def test_the_side_of_a_row_follows_from_its_text(tmp_path):
    recipe = make_recipe(tmp_path, toml=f'{LINE}\n[features.x]\nkind = "category"\n')
    as_text = msgspec.structs.replace(recipe, features={"x": FeatureRecipe(kind="text")})
    series = pl.Series("x", ["one two", None, "three", "7"])
    texts, categories = (encode_column(each, series) for each in (as_text, recipe))
    assert hash_rows([texts]).tolist() == hash_rows([categories]).tolist()
