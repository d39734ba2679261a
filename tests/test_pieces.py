import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from predictor.models import Version
from predictor.numbers import LARGEST_INTEGER
from predictor.schema.kinds import Boolean, make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import write_value
from predictor.serving.service import service
from predictor.web.forms import PredictionForm
from predictor.web.pieces import ChartPieces, FormPieces, get_form_pieces
from tests.training import register_shipped, train

CHOICES = ("a", 'b "quoted" & <i>', "c'", "on", "<option", "a ")
DROPPED = "dropped since"
SCHEMA = Schema(
    features=(
        make_feature(name="size & <b>", kind="number", label="Size <b>", unit="m²", help="a & b", maximum=9.5),
        make_feature(name="count", kind="integer", label="Count", required=False, seen=(1.0, 9.0), typical=3),
        make_feature(name="kind", kind="category", label="Kind", choices=CHOICES),
        make_feature(name="more", kind="category", label="More", choices=CHOICES, required=False),
        make_feature(name="is_new", kind="boolean", label="New"),
        make_feature(name="is_sold", kind="boolean", label="Sold", required=False),
    ),
    target=Target(name="y", label="y", task="regression"),
)
inputs = st.fixed_dictionaries(
    {},
    optional={
        "size & <b>": st.floats(-1e6, 1e6).map(lambda size: size + 0.0),
        "count": st.none() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER),
        "kind": st.sampled_from([*CHOICES, DROPPED]),
        "more": st.none() | st.sampled_from(CHOICES),
        "is_new": st.booleans(),
        "is_sold": st.none() | st.booleans(),
        "of another version": st.just(1),
    },
)


def render_whole(slug, schema, token, given):
    """The form as the template writes it, from all of its fields at once."""
    kept = {name: write_value(value) for name, value in given.items() if name in schema.names and value != DROPPED}
    form = PredictionForm(schema, initial=kept)
    groups = [{"title": "", "fields": list(form)}]
    action = f"/{slug}/"
    fillings = [("A typical case", f"{action}?count=3")]
    context = {"action": action, "csrf_token": token, "form": form, "groups": groups, "fillings": fillings}
    return render_to_string("predictor/_form.html", context)


@given(inputs)
def test_a_form_that_was_filled_in_is_the_form_that_the_template_writes(given):
    filled = FormPieces(Version(model="houses"), SCHEMA).fill("token", given)
    assert filled.split() == render_whole("houses", SCHEMA, "token", given).split()


def test_a_form_of_any_width_is_made_from_the_same_few_forms(monkeypatch):
    made = []

    class CountedForm(PredictionForm):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr("predictor.web.pieces.PredictionForm", CountedForm)
    for width in (1, 40):
        features = tuple(Boolean(name=f"x{i}", label="x", required=bool(i % 2)) for i in range(width))
        FormPieces(Version(model="houses"), Schema(features=features, target=SCHEMA.target)).fill("token", {})
    assert len(made) == 6


def test_a_token_cannot_break_out_of_its_field():
    assert '"><script>' not in FormPieces(Version(model="houses"), SCHEMA).fill('"><script>', {})


@pytest.mark.django_db
def test_the_picture_stays_where_it_is_for_whoever_is_inside_it(line):
    pieces = ChartPieces(line)
    backdrop = pieces.get_backdrop(pieces.base)
    assert '<use href="#mark-0"' in backdrop
    assert pieces.get_backdrop(None) == ""


@pytest.mark.django_db
def test_pieces_go_with_the_version_that_they_are_of(client, models_dir):
    train(models_dir, "line")
    first = get_form_pieces(service.get_runtime("line"))
    assert get_form_pieces(service.get_runtime("line")) is first
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace('help = "Any number.', 'help = "Some number.'))
    train(models_dir, "line")
    service.forget()
    assert "Some number." in client.get("/").content.decode()
    assert get_form_pieces(service.get_runtime("line")) is not first


@pytest.mark.django_db
def test_far_outside_the_picture_is_wider_and_holds_the_visitors_point(client):
    register_shipped("line")
    near, far = (client.post("/", {"x": x}, follow=True).content.decode() for x in ("5", "500"))
    assert near.count('class="grid"') > 4
    assert '<text class="tick x"' in far
    assert ">500</text>" in far
    assert ">500</text>" not in near
    assert 'class="own"' in far
