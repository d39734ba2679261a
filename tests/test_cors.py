"""Which pages of other sites may call the API from a browser: those of API_ALLOWED_ORIGINS."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.training import register_shipped

ALLOWED, OTHER = "https://shop.example", "https://other.example"
PATH = "/api/v1/models/line/predict"
# What a page gets to see, or the error that its browser shows it instead.
CALL = """
async ([address, inputs, headers]) => {
  try {
    const answer = await fetch(address, {
      method: "POST", headers: {"Content-Type": "application/json", ...headers}, body: JSON.stringify({inputs}),
    });
    const content = await answer.json();
    return [answer.status, answer.headers.get("Retry-After"), content.error ? content.error.code : content.model];
  } catch (error) {
    return error.name;
  }
}
"""


@pytest.fixture
def allowing(settings, line):
    """A site that allows one origin."""
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]
    settings.CORS_ALLOWED_ORIGINS = [ALLOWED]


def list_cors(response):
    return {name.lower(): value for name, value in response.items() if name.lower().startswith("access-control-")}


@pytest.mark.parametrize("path", [PATH, "/api/v1/models", "/api/v1/models/line", "/api/v1/nothing", "/invocations"])
def test_a_browser_may_ask_in_advance_for_every_address_of_the_api(client, allowing, path):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    response = client.options(path, headers={"Origin": ALLOWED, **asked})
    assert response.status_code == 200
    told = list_cors(response)
    assert told["access-control-allow-origin"] == ALLOWED
    assert {"GET", "POST", "PUT"} <= set(told["access-control-allow-methods"].split(", "))
    allowed = set(told["access-control-allow-headers"].split(", "))
    assert {"authorization", "content-type", "idempotency-key", "if-none-match"} <= allowed
    assert "access-control-allow-credentials" not in told
    assert not list_cors(client.options(path, headers={"Origin": OTHER, **asked}))


@pytest.mark.parametrize(
    ("body", "status"), [({"inputs": {"x": 5}}, 200), ({"inputs": {}}, 422), ("{", 400), ({"inputs": []}, 400)]
)
def test_answers_and_errors_have_the_headers_for_the_allowed_origin_alone(client, allowing, body, status):
    for origin in (ALLOWED, OTHER, "null", f"{ALLOWED}.evil.example", "http://shop.example", f"{ALLOWED}:8443", None):
        headers = {} if origin is None else {"Origin": origin}
        response = client.post(PATH, body, content_type="application/json", headers=headers)
        assert response.status_code == status
        assert "origin" in response["Vary"].lower()
        expected = {
            "access-control-allow-origin": ALLOWED,
            "access-control-expose-headers": "Allow, Content-Disposition, ETag, Retry-After, X-Request-ID",
        }
        assert list_cors(response) == (expected if origin == ALLOWED else {})


@pytest.mark.parametrize("path", ["/", "/models/", "/admin/login/", "/healthz"])
def test_no_page_has_them(client, allowing, path):
    response = client.get(path, headers={"Origin": ALLOWED})
    assert response.status_code == 200
    assert not list_cors(response)


def test_addresses_that_do_not_exist_and_methods_that_are_not_taken_have_them_too(client, allowing):
    for response in (
        client.get("/api/nothing", headers={"Origin": ALLOWED}),
        client.get(PATH, headers={"Origin": ALLOWED}),
    ):
        assert response.status_code in (404, 405)
        assert list_cors(response)["access-control-allow-origin"] == ALLOWED


def test_without_the_setting_no_request_is_looked_at(settings):
    assert not settings.API_ALLOWED_ORIGINS
    assert "corsheaders.middleware.CorsMiddleware" not in settings.MIDDLEWARE


@pytest.fixture
def pages():
    """The origins of two sites, each with an empty page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):  # The name is the library's.
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            """Nothing, since nobody reads it."""

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Page) for _ in range(2)]
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.browser
def test_a_page_of_an_allowed_site_may_call_the_api_and_one_of_another_may_not(serve, launched, models_dir, pages):
    allowed, other = pages
    register_shipped("line")
    site = serve(API_ALLOWED_ORIGINS=allowed, RATE_LIMIT_ADDRESS="3/day").wait_until("/readyz")
    address = f"{site.address}{PATH}"
    context = launched.new_context()
    try:
        page = context.new_page()
        page.goto(other)
        assert page.evaluate(CALL, [address, {"x": 5}, {}]) == "TypeError"
        page.goto(allowed)
        assert page.evaluate(CALL, [address, {"x": 5}, {}]) == [200, None, "line"]
        assert page.evaluate(CALL, [address, {"y": 5}, {"Idempotency-Key": "1"}])[::2] == [422, "invalid_input"]
        page.evaluate(CALL, [address, {"x": 5}, {}])
        status, retry_after, code = page.evaluate(CALL, [address, {"x": 5}, {}])
        assert (status, code) == (429, "too_many_requests")
        assert int(retry_after) > 0
    finally:
        context.close()
