import re
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictor.history.filters import READERS
from predictor.models import ApiKey, Artifact, Outcome, Prediction, Promotion, Retirement, Version
from predictor.registry.retirement import retire
from predictor.serving.service import service
from tests.conftest import ROOT
from tests.outcomes import make_predictions
from tests.training import register_shipped, train

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(client, line, penguins):
    """Two predictions of one model, the second with a warning, and one of the other."""
    inputs = [("line", {"x": "5"}), ("line", {"x": "50"}), ("penguins", {"island": "Dream", "year": "2008"})]
    return [ask(client, model, each) for model, each in inputs]


def ask(client, model, inputs):
    """The prediction's page has its id; ids that are made in one millisecond have no order."""
    return Prediction.objects.get(pk=client.post(f"/{model}/", inputs)["Location"].split("/")[2])


def list_ids(admin_client, query):
    response = admin_client.get(f"/admin/predictor/prediction/?{query}", follow=True)
    return [prediction.id for prediction in response.context["page"].rows]


@pytest.mark.parametrize("table", ["prediction", "version", "promotion", "retirement"])
def test_history_can_be_neither_added_changed_nor_deleted_by_hand(admin_client, asked, table):
    retire("line", by="tests", reason="a test")
    tables = {"prediction": Prediction, "version": Version, "promotion": Promotion, "retirement": Retirement}
    pk = tables[table].objects.first().pk
    assert admin_client.get(f"/admin/predictor/{table}/add/").status_code == 403
    assert admin_client.post(f"/admin/predictor/{table}/{pk}/change/", {"reason": "x"}).status_code == 403
    assert admin_client.post(f"/admin/predictor/{table}/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"/admin/predictor/{table}/{pk}/change/").status_code == 200
    listed = admin_client.get(f"/admin/predictor/{table}/").content.decode()
    assert "delete_selected" not in listed


def test_each_prediction_is_a_readable_line_the_newest_first(admin_client, asked):
    page = admin_client.get("/admin/predictor/prediction/").content.decode()
    assert "x = 50" in page
    assert "50 is outside what the model has seen" in page
    assert "island = Dream, bill_length_mm = –" in page
    assert list_ids(admin_client, "") == [prediction.id for prediction in reversed(asked)]


def test_predictions_are_filtered_by_model_version_day_source_and_warnings(admin_client, asked, line):
    quiet, warned, penguin = (prediction.id for prediction in asked)
    assert list_ids(admin_client, "model=line") == [warned, quiet]
    assert list_ids(admin_client, "model=penguins&version=1") == [penguin]
    assert list_ids(admin_client, "model=penguins&version=2") == []
    assert list_ids(admin_client, "warned=yes") == [warned]
    assert list_ids(admin_client, "warned=no") == [penguin, quiet]
    assert len(list_ids(admin_client, "source=form")) == 3
    assert list_ids(admin_client, "source=api") == []
    day = f"{asked[0].created_at:%Y-%m-%d}"
    assert len(list_ids(admin_client, f"since={day}")) == 3
    assert list_ids(admin_client, "until=2026-01-01") == []


def test_a_prediction_is_found_by_its_id_or_by_a_value(admin_client, asked):
    assert list_ids(admin_client, f"q={asked[1].id}") == [asked[1].id]
    assert list_ids(admin_client, "q=Dream") == [asked[2].id]
    assert "No prediction was found." in admin_client.get("/admin/predictor/prediction/?q=line").content.decode()


def test_a_version_shows_its_metrics_and_whether_it_is_live(admin_client, models_dir, line):
    train(models_dir, "line")
    page = admin_client.get("/admin/predictor/version/").content.decode()
    assert "MAE 0.9636 (5.964), RMSE 1.149 (6.598), R² 0.9661 (-0.1176)" in page
    assert [cell.text for cell in BeautifulSoup(page, "html.parser").select("td.field-state")] == ["live", "–"]


def promote(client, *versions, reason="the new one drifts"):
    chosen = {"action": "promote", "reason": reason, "_selected_action": [version.pk for version in versions]}
    return client.post("/admin/predictor/version/", chosen, follow=True).content.decode()


def test_promoting_an_older_version_rolls_back_in_the_users_name(admin_client, models_dir, line):
    train(models_dir, "line")
    page = promote(admin_client, line)
    assert "Live now: line 1." in page
    promotion = Promotion.objects.first()
    assert (promotion.version, promotion.previous.number, promotion.promoted_by) == (line, 2, "admin")
    assert promotion.reason == "the new one drifts"
    service.forget()
    assert service.get_runtime("line").version == line
    assert "admin" in admin_client.get("/admin/predictor/promotion/").content.decode()


def test_promoting_what_is_live_already_adds_nothing_to_the_log(admin_client, line):
    assert "Live already: line 1." in promote(admin_client, line)
    assert Promotion.objects.count() == 1


def test_a_promotion_needs_a_reason(admin_client, models_dir, line):
    train(models_dir, "line")
    assert "Not promoted: enter the reason why line 1 should be live" in promote(admin_client, line, reason=" ")
    assert Promotion.objects.count() == 2


def test_a_version_is_promoted_on_its_own_page_after_a_reason_is_given(admin_client, models_dir, line):
    train(models_dir, "line")
    address = f"/admin/predictor/version/{line.pk}"
    page = BeautifulSoup(admin_client.get(f"{address}/change/").content, "html.parser")
    assert page.select_one(f'a[href="{address}/promote/"]').text == "Promote this version"
    asked = admin_client.get(f"{address}/promote/").content.decode()
    assert "Version 1 of line becomes live instead of version 2" in asked
    assert 'href="/about/line/compare/?old=2&amp;new=1"' in asked
    assert "This field is required" in admin_client.post(f"{address}/promote/", {"reason": " "}).content.decode()
    assert Promotion.objects.count() == 2
    done = admin_client.post(f"{address}/promote/", {"reason": "the new one drifts"}, follow=True)
    assert done.redirect_chain == [(f"{address}/change/", 302)]
    assert "Live now: line 1." in done.content.decode()
    promotion = Promotion.objects.first()
    assert (promotion.version, promotion.promoted_by, promotion.reason) == (line, "admin", "the new one drifts")
    assert "Promote this version" not in done.content.decode()


def test_a_version_that_cannot_be_loaded_is_not_promoted_on_its_own_page(admin_client, models_dir, line):
    train(models_dir, "line")
    Artifact.objects.filter(version=line).update(signature="0" * 64)
    page = admin_client.post(f"/admin/predictor/version/{line.pk}/promote/", {"reason": "r"}).content.decode()
    assert "Not promoted: line 1 could not be loaded" in page
    assert admin_client.get("/admin/predictor/version/999999/promote/").status_code == 404
    assert Promotion.objects.count() == 2


def test_two_versions_cannot_be_promoted_at_once(admin_client, models_dir, line):
    assert "Select one version" in promote(admin_client, line, train(models_dir, "line"))
    assert Promotion.objects.count() == 2


def test_a_version_that_could_not_be_loaded_cannot_be_promoted(admin_client, models_dir, line):
    train(models_dir, "line")
    Artifact.objects.filter(version=line).update(signature="0" * 64)
    assert "Not promoted: line 1 could not be loaded: its manifest is not signed" in promote(admin_client, line)
    assert Promotion.objects.count() == 2


def test_who_may_only_look_cannot_promote(client, models_dir, line):
    reviewer = User.objects.create_user("grace", password="only looks", is_staff=True)
    reviewer.user_permissions.add(Permission.objects.get(codename="view_version"))
    client.force_login(reviewer)
    promote(client, line)
    train(models_dir, "line")
    address = f"/admin/predictor/version/{line.pk}"
    assert client.post(f"{address}/promote/", {"reason": "r"}).status_code == 403
    assert client.get(f"{address}/promote/").status_code == 403
    assert "Promote this version" not in client.get(f"{address}/change/").content.decode()
    assert Promotion.objects.count() == 2
    assert client.get("/admin/predictor/prediction/").status_code == 403


def test_nobody_looks_without_signing_in(client, line):
    assert client.get("/admin/predictor/prediction/").status_code == 302


def test_a_versions_page_shows_its_report(admin_client, line):
    page = admin_client.get(f"/admin/predictor/version/{line.id}/change/").content.decode()
    assert '<img src="/about/line/1/residuals.svg?' in page
    assert "<div>x 7.5" in page
    assert "Typically off by 0.964" in page
    assert "fit_seconds" in page
    assert "<th scope=row>R²</th><td>0.96" in page


@pytest.mark.parametrize("table", ["prediction", "version", "promotion", "outcome", "retirement"])
def test_the_choices_of_filters_are_not_counted(admin_client, asked, table):
    """Each choice would cost a query of the whole history."""
    admin_client.get(f"/admin/predictor/{table}/")  # The first page of a session writes when it was used.
    with CaptureQueriesContext(connection) as plain:
        admin_client.get(f"/admin/predictor/{table}/")
    with CaptureQueriesContext(connection) as counted:
        page = admin_client.get(f"/admin/predictor/{table}/?_facets=True").content.decode()
    assert len(counted) == len(plain)
    assert "Show counts" not in page


def test_a_list_of_wide_predictions_shows_their_first_inputs_and_reads_each_version_once(admin_client, line):
    [feature] = line.schema["features"]
    line.schema["features"] = [{**feature, "name": f"f{number}"} for number in range(1500)]
    line.save()
    for _ in range(2):
        Prediction.objects.create(
            version=line, inputs={"f0": 1.5, "f1499": 2.5}, output=1.0, duration_ms=1, source="api"
        )
    response = admin_client.get("/admin/predictor/prediction/")
    first, second = response.context["page"].rows
    assert first.version is second.version
    page = response.content.decode()
    assert "f0 = 1.5" in page
    assert "f19 = –, and 1480 more" in page
    assert "<dd>2.5" in admin_client.get(f"/admin/predictor/prediction/{first.pk}/change/").content.decode()


def test_a_retired_models_versions_say_so_and_cannot_be_promoted(admin_client, models_dir, line):
    train(models_dir, "line")
    retire("line", by="grace", reason="nobody asks for lines any more")
    page = BeautifulSoup(admin_client.get("/admin/predictor/version/").content, "html.parser")
    assert [cell.text for cell in page.select("td.field-state")] == ["retired", "retired"]
    assert "`manage.py retire line --undo` brings it back" in promote(admin_client, line)
    assert Promotion.objects.count() == 2


def test_the_log_of_retirements_shows_when_what_by_whom_and_why(admin_client, line):
    retire("line", by="grace", reason="nobody asks for lines any more")
    page = BeautifulSoup(admin_client.get("/admin/predictor/retirement/").content, "html.parser")
    cells = [cell.text for cell in page.select("#result_list tbody td")]
    assert cells == ["line", "retired", "grace", "nobody asks for lines any more"]


@pytest.mark.parametrize("table", [Prediction, Version, Promotion, Outcome, Retirement])
def test_rows_that_nobody_changes_by_hand_have_no_page_of_such_changes(admin_client, asked, table):
    retire("line", by="tests", reason="a test")
    Outcome.objects.create(prediction=asked[0], value=1.0, recorded_by="tests")
    page = f"/admin/predictor/{table._meta.model_name}/{table.objects.first().pk}"
    assert "History" not in admin_client.get(f"{page}/change/").content.decode()
    assert admin_client.get(f"{page}/history/")["Location"] == f"{page}/change/"


def test_no_list_marks_with_a_red_cross_what_is_not_wrong(admin_client, asked):
    User.objects.create_user("reader")
    retire("line", by="tests", reason="a test")
    for model, found in admin.site._registry.items():
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert "icon-no" not in admin_client.get(address).content.decode(), found


def test_with_hundreds_of_versions_the_filters_stay_small(admin_client, line):
    def copy(number):
        names = [field.attname for field in Version._meta.concrete_fields if field.name not in ("id", "number")]
        return Version(number=number, **{name: getattr(line, name) for name in names})

    Version.objects.bulk_create(copy(number) for number in range(2, 302))
    for query in ("", "model=line", "model=line&version=2"):
        page = admin_client.get(f"/admin/predictor/prediction/?{query}")
        offered = [each.text for each in BeautifulSoup(page.content, "html.parser").select("#changelist-filter option")]
        assert len(offered) < 60, query
        assert ("2" in offered) == ("version" in query)
        assert ("301" in offered) == ("model" in query)


# What a database, Python's dates or its numbers cannot hold, and what is of another kind than the filter's values.
HOSTILE = [
    *["%00", "a%00b", "%ED%A0%80", "%FF", "", "x", "0", "-1", "1.5", "nan", "1e400", "9999", "10000", "2147483648"],
    *["99999999999999999999", "-99999999999999999999", "9" * 400, "9999-12-31", "0000-00-00", "2026-02-30"],
    *["9999-12-31T23:59:59%2B00:00", "0001-01-01T00:00:00%2B14:00"],
]
PARAMETERS = ["q", "o", "p", "e", "all", "_facets", "_popup", "_to_field", "_changelist_filters", "nothing", "%00"]
# Their endings, and those of lookups that no filter has.
ENDINGS = ["", "__exact", "__id__exact", "__isnull", "__gte", "__lt", "__year", "__month", "__day", "__in", "__range"]
# Django's filters by a boolean, of which one of the same list is tried.
ALIKE = ["is_superuser", "is_active"]


def list_queries(registered, request):
    """Hostile values for each parameter that a list takes, and for others that somebody may type."""
    filtered = [each if isinstance(each, str) else each.parameter_name for each in registered.get_list_filter(request)]
    names = [*PARAMETERS, *(f"{name}{ending}" for name in filtered if name not in ALIKE for ending in ENDINGS)]
    for name in names:
        is_taken = name in ("q", "o", "p") or registered.lookup_allowed(name, "x", request)
        # The others have the same kinds of filters, or Django's own, in which one value is like another.
        is_ours = registered.model in (Prediction, Version) and "__" not in name
        values = HOSTILE if is_ours else HOSTILE[::4]
        yield from (f"{name}={value}" for value in (values if is_taken else HOSTILE[:1]))
    yield from (f"{field.name}__in=x" for field in registered.model._meta.get_fields())


def list_searches():
    """What predictions are searched by, and the list, the queue and a prediction's page take from their address."""
    tests = ["is.x", "from.x", "to.x", "words.x", "is.%00", "add_feature=x&add_test=is&add_value"]
    own = ["before", "after", "column", "model=line&column", "model=line&version", "queue", "skipped"]
    return [f"{name}={value}" for name in (*READERS, *tests, *own) for value in HOSTILE[::3]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.* received a naive datetime:RuntimeWarning")
@pytest.mark.parametrize(
    "model",
    [
        # These have each kind of filter that there is.
        *(pytest.param(model, marks=pytest.mark.both_databases) for model in (Prediction, Version, User)),
        *(Promotion, Outcome, Retirement, ApiKey, Group),
    ],
)
def test_no_list_fails_whatever_its_address_asks_for(admin_client, models_dir, rf, model):
    line = register_shipped("line")
    prediction = Prediction.objects.create(version=line, inputs={"x": 1.0}, output=1.0, duration_ms=1, source="api")
    Outcome.objects.create(prediction=prediction, value=1.0, recorded_by="tests")
    retire("line", by="tests", reason="a test")
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    admin_client.raise_request_exception = False
    ApiKey.objects.create(name="client", prefix="mlsite_abcde", scopes=["predict"], made_by="tests")
    queries = [
        *list_queries(admin.site._registry[model], rf.get(address)),
        *(list_searches() if model is Prediction else []),
    ]
    statuses = {query: admin_client.get(f"{address}?{query}").status_code for query in queries}
    assert {query: status for query, status in statuses.items() if status not in (200, 302, 400)} == {}


def test_where_a_filter_cannot_be_used_that_is_said_and_all_rows_are_shown(admin_client):
    response = admin_client.get("/admin/auth/user/?is_staff__exact=x", follow=True)
    assert response.redirect_chain == [("/admin/auth/user/", 302)]
    assert "A filter in the address has a value that cannot be used" in response.content.decode()


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("since=yesterday", "is not a date"),
        ("error_above=x", "is not a number"),
        ("version=2", "choose a model, too"),
        ("warned=perhaps", "is neither yes nor no"),
        ("before=x", "is not the id of a prediction"),
        ("is.%00=5", "contains a character that cannot be stored"),
        ("model=line&from.x=soon", "“soon” is not a number: give a number such as"),
        ("model=line&from.y=5", "has an input “y”"),
    ],
)
def test_a_filter_of_predictions_that_cannot_be_used_is_named_where_it_was_typed(admin_client, asked, query, problem):
    page = BeautifulSoup(admin_client.get(f"/admin/predictor/prediction/?{query}").content, "html.parser")
    assert problem in page.select_one(".errornote").text
    field = page.select_one("[aria-invalid]")
    assert field is None or page.select_one(f"#{field['aria-describedby']}").text == page.select_one(".errornote").text
    assert "Nothing was searched for" in page.text
    assert page.select("#result_list") == []


@pytest.mark.parametrize("lookup", ["reason__regex=(a%2B)%2B$", "version__schema__regex=x", "promoted_by__contains=a"])
def test_a_list_takes_the_lookups_of_its_own_filters_only(admin_client, lookup):
    assert admin_client.get(f"/admin/predictor/promotion/?{lookup}").status_code == 400


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("model", "action"), [(Version, "promote"), (User, "delete_selected"), (Group, "delete_selected")]
)
def test_an_action_on_what_can_be_no_row_does_nothing_and_says_so(admin_client, models_dir, model, action):
    register_shipped("line")
    Group.objects.get_or_create(name="reviewers")
    groups = Group.objects.count()
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for selected in ("\0", "x", "9" * 20, "-1", ""):
        sent = {"action": action, "reason": "a test", "_selected_action": selected, "index": "9" * 20}
        response = admin_client.post(address, sent, follow=True)
        assert (response.status_code, selected) == (200, selected)
        assert ("what was selected are no rows" in response.content.decode()) or selected not in ("\0", "x")
    assert (Promotion.objects.count(), User.objects.count(), Group.objects.count()) == (1, 1, groups)


TRAINING = {"Training": "Retrain"}
QUEUE = {"Outcomes": "Next without an outcome", **TRAINING}


def read_tiles(client):
    page = BeautifulSoup(client.get("/admin/").content, "html.parser")
    return {
        tile.h2.text: {div.dt.text: " ".join(div.dd.text.split()) for div in tile.select("dl div")}
        for tile in page.select(".tiles > li")
    }


def test_the_first_page_has_a_tile_for_each_model(admin_client, models_dir, asked, line):
    newest = Version.objects.get(pk=train(models_dir, "line").pk)
    Prediction.objects.filter(pk=asked[2].pk).update(id=UUID(int=asked[2].id.int - (24 * 3600 * 1000 << 80)))
    assert read_tiles(admin_client) == {
        "A straight line": {"Live": "version 2", "Predictions today": "2", "With a warning": "50.0 %", **QUEUE},
        "Palmer penguins": {"Live": "version 1", "Predictions today": "0", "With a warning": "–", **QUEUE},
    }
    promote(admin_client, line)
    retire("penguins", by="tests", reason="a test")
    tiles = read_tiles(admin_client)
    assert tiles["A straight line"]["Newest"] == f"version 2 {newest.parsed_decision.reason}"
    assert tiles["Palmer penguins"]["Live"] == "version 1 retired"
    Promotion.objects.filter(version__model="penguins").delete()
    never_live = {"Live": "none", "Newest": "version 1 the first version", **TRAINING}
    assert read_tiles(admin_client)["Palmer penguins"] == never_live


def test_the_first_page_counts_no_more_than_it_says(admin_client, asked, line, monkeypatch):
    monkeypatch.setattr("predictor.admin.tiles.MOST_COUNTED", 1)
    assert read_tiles(admin_client)["A straight line"] == {
        "Live": "version 1", "Predictions today": "1+", "With a warning": "100.0 %", **QUEUE
    }  # fmt: skip


def test_the_first_page_shows_what_a_user_may_see(client, asked):
    reviewer = User.objects.create_user("grace", password="only looks", is_staff=True)
    client.force_login(reviewer)
    assert read_tiles(client) == {}
    reviewer.user_permissions.add(Permission.objects.get(codename="view_version"))
    assert read_tiles(client)["A straight line"] == {"Live": "version 1"}
    client.logout()
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("index", "outcome", "verdict"),
    [
        (0, 13.2, "inside, off by 0.2"),
        (0, 23.0, "outside, off by 10.0"),
        (2, "Adelie", "wrong"),
        (2, "Chinstrap", "right"),
    ],
)
def test_a_prediction_with_an_outcome_says_how_good_it_was(admin_client, asked, index, outcome, verdict):
    prediction = asked[index]
    if index == 0:
        Prediction.objects.filter(pk=prediction.pk).update(output=13.0, interval=[11.0, 15.0])
    else:
        Prediction.objects.filter(pk=prediction.pk).update(output="Chinstrap")
    Outcome.objects.create(prediction=prediction, value=outcome, recorded_by="tests")
    for table in ("prediction", "outcome"):
        page = BeautifulSoup(admin_client.get(f"/admin/predictor/{table}/").content, "html.parser")
        assert verdict in [cell.text for cell in page.select("td.field-verdict")], table


def read_table(admin_client, query):
    page = BeautifulSoup(admin_client.get(f"/admin/predictor/prediction/?{query}", follow=True).content, "html.parser")
    own = [[cell.text for cell in row.select(".field-own_input")] for row in page.select("#result_list tbody tr")]
    return [each.text.strip() for each in page.select("#result_list thead th")], own, page


def test_the_list_of_one_model_has_columns_for_its_most_important_inputs(admin_client, asked):
    plain, _, _ = read_table(admin_client, "")
    shown, own, _ = read_table(admin_client, "model=penguins")
    assert [each for each in shown if each not in plain] == ["Bill length", "Bill depth", "Island", "Body mass"]
    assert own == [["–", "–", "Dream", "–"]]
    assert read_table(admin_client, "model=nothing")[0] == []


def test_the_columns_of_a_model_are_chosen_and_kept_in_every_link_of_its_list(admin_client, asked, monkeypatch):
    monkeypatch.setattr("predictor.admin.listing.ROWS_OF_A_PAGE", 1)
    _shown, own, page = read_table(admin_client, "model=penguins&column=&column=year&column=island&column=nothing")
    assert own == [["Dream", "2008"]]
    assert [each["value"] for each in page.select("[name=column][checked]")] == ["island", "year"]
    assert read_table(admin_client, "model=penguins&column=")[1] == [[]]
    ask(admin_client, "penguins", {"island": "Biscoe", "year": "2008"})
    _, own, page = read_table(admin_client, "model=penguins&column=island")
    assert own == [["Biscoe"]]
    older = page.select_one("a[rel=next]")["href"]
    _, own, page = read_table(admin_client, older[1:])
    assert own == [["Dream"]]
    opened = admin_client.get(page.select_one(".field-moment a")["href"])
    back = BeautifulSoup(opened.content, "html.parser").select_one(f".breadcrumbs a[href$='{older}']")
    assert read_table(admin_client, back["href"].partition("?")[2])[1] == [["Dream"]]


def test_a_search_whose_time_is_over_says_how_far_it_looked_back_and_continues_there(admin_client, monkeypatch):
    monkeypatch.setattr("predictor.admin.listing.SECONDS_OF_A_PAGE", 0)
    made = make_predictions(1_100)
    Prediction.objects.filter(id=min(each.id for each in made)).update(output=99.0)
    _, _, page = read_table(admin_client, "output_from=90")
    assert "Looked back to" in page.select_one("nav.pages").text
    assert page.select("#result_list") == []
    while not page.select("#result_list"):
        older = page.select_one("a[rel=next]")
        assert "Continue" in older.text
        _, _, page = read_table(admin_client, older["href"][1:])
    assert page.select_one(".field-answer").text == "99"
    assert "output_from=90" in page.select_one("nav.pages a")["href"]


def test_the_pages_of_a_list_lead_to_older_and_back_to_newer_ones(admin_client, monkeypatch):
    monkeypatch.setattr("predictor.admin.listing.ROWS_OF_A_PAGE", 2)
    make_predictions(5)
    first = list_ids(admin_client, "model=line")
    _, _, page = read_table(admin_client, "model=line")
    assert "5 predictions" in page.select_one("nav.pages").text
    seen, newest = list(first), page.select_one("a[rel=next]")["href"]
    for _ in range(2):
        older = page.select_one("a[rel=next]")["href"]
        seen += list_ids(admin_client, older[1:])
        _, _, page = read_table(admin_client, older[1:])
    assert seen == list(Prediction.objects.order_by("-id").values_list("id", flat=True))
    assert page.select_one("a[rel=next]") is None
    back = page.select_one("a[rel=prev]")["href"]
    assert list_ids(admin_client, back[1:]) == list_ids(admin_client, newest[1:])


def test_what_a_form_adds_about_an_input_becomes_a_plain_parameter(admin_client, asked):
    added = "model=line&version=&q=&add_feature=x&add_test=from&add_value=40"
    response = admin_client.get(f"/admin/predictor/prediction/?{added}")
    assert response["Location"] == "/admin/predictor/prediction/?model=line&from.x=40"
    assert list_ids(admin_client, "model=line&from.x=40") == [asked[1].id]
    _, _, page = read_table(admin_client, "model=line&from.x=40")
    assert page.select_one("[name='from.x']")["value"] == "40"


def test_moments_in_lists_have_seconds_and_a_zone(admin_client, asked):
    page = BeautifulSoup(admin_client.get("/admin/predictor/prediction/").content, "html.parser")
    shown = page.select_one("#result_list time")
    assert shown.text == f"{asked[2].created_at:%-d %b %Y, %H:%M:%S UTC}"


def test_the_admin_has_the_colours_of_the_site():
    def read_colours(name):
        return dict(re.findall(r"--([\w-]+): (light-dark\(.*?\));", (ROOT / f"static/{name}.css").read_text()))

    site, own = read_colours("site"), read_colours("admin")
    own["accent"] = own.pop("site-accent")
    assert len(own) > 8
    assert own.items() <= site.items()


def list_keys(response):
    return [row.pk for row in response.context["cl"].result_list]


def test_a_list_leads_from_its_newest_rows_to_its_oldest_and_back(admin_client, line, monkeypatch):
    reasons = [f"event {number}" for number in range(7)]
    made = [Promotion.objects.create(version=line, promoted_by="tests", reason=reason).pk for reason in reasons]
    monkeypatch.setattr("predictor.admin.versions.PromotionAdmin.list_per_page", 3)
    address, seen, pages = "/admin/predictor/promotion/", [], []
    while address:
        response = admin_client.get(address)
        pages.append(list_keys(response))
        seen += pages[-1]
        links = BeautifulSoup(response.content, "html.parser").select("p.paginator a[rel=next]")
        address = f"/admin/predictor/promotion/{links[0]['href']}" if links else ""
    assert seen == [*reversed(made), Promotion.objects.order_by("id").first().pk]
    back = BeautifulSoup(response.content, "html.parser").select_one("p.paginator a[rel=prev]")["href"]
    assert list_keys(admin_client.get(f"/admin/predictor/promotion/{back}")) == pages[-2]
    assert "8 promotions" in response.content.decode()
    assert admin_client.get("/admin/predictor/promotion/?before=x").status_code == 302


def test_the_list_of_outcomes_reads_each_version_once_and_no_count_above_its_limit(admin_client, asked, monkeypatch):
    for prediction in asked[:2]:
        Outcome.objects.create(prediction=prediction, value=3.0, recorded_by="tests")
    monkeypatch.setattr("predictor.admin.keyset.MOST_COUNTED", 1)
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get("/admin/predictor/outcome/").content.decode()
    assert "more than 1 outcome" in page
    written = [each["sql"] for each in queries]
    assert len([sql for sql in written if 'FROM "predictor_version"' in sql]) == 1
    assert not any('"predictor_version"."profile"' in sql or "OFFSET" in sql for sql in written)
    assert not any("COUNT(" in sql and "LIMIT 2" not in sql for sql in written if "predictor_outcome" in sql)
