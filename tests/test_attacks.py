"""What one client can do to all others, with a real server: nothing that they would notice."""

import gzip
import json
import select
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
from django.core.handlers.wsgi import get_script_name
from django.test import RequestFactory
from django.urls import set_script_prefix

from predictor.models.prediction import _find_prediction_address
from predictor.web.jinja import make_url
from tests.conftest import make_database_url, start_server
from tests.load import HEADERS, TOKEN
from tests.training import register_shipped
from tests.watch import Watch, connect, read_answer

pytestmark = pytest.mark.both_databases

FORM = "POST / HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
LINE = "/api/v1/models/line/predict"
# A site that stands still for longer is noticed too: a look that has begun is waited for.
SECONDS = 1


@pytest.fixture(scope="module")
def db(committed_db):
    """Instead of pytest-django's own, which would wrap each test in a transaction."""


@pytest.fixture(scope="module")
def site(db, collected_static_files, tmp_path_factory):
    """A site with one worker and the line model."""
    register_shipped("line")
    folder = tmp_path_factory.mktemp("attacks")
    server = start_server(folder, DATABASE_URL=make_database_url(), WEB_CONCURRENCY="1")
    yield server.wait_until("/readyz")
    server.stop()
    assert "Traceback" not in server.log.read_text()


@contextmanager
def send_on(clients, data):
    """Meanwhile, let each of these sockets send the same again and again until the server closes it."""
    is_over = threading.Event()

    def send(client):
        try:
            while not is_over.is_set():
                client.sendall(data)
        except OSError:
            pass

    senders = [threading.Thread(target=send, args=[client]) for client in clients]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        is_over.set()
        for client, sender in zip(clients, senders, strict=True):
            client.close()
            sender.join()


@pytest.fixture
def watch(site):
    """A visitor of the site, who has not come yet."""
    return Watch(site.address)


@pytest.fixture
def open_clients(site):
    """Open so many connections to the site, and say something on each."""
    with ExitStack() as stack:

        def open_some(count, words=""):
            clients = [stack.enter_context(closing(connect(site.address))) for _ in range(count)]
            for client in clients:
                client.sendall(words.encode())
            return clients

        yield open_some


ENDLESS = {
    FORM: 413,
    f"POST {LINE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n": 413,
    f"POST {LINE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n": 415,
    f"GET {LINE} HTTP/1.1\r\nHost: localhost\r\n": 405,
    "POST /nowhere HTTP/1.1\r\nHost: localhost\r\n": 413,
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n": 413,
}


def read_refusals(clients):
    """By head, the status of its answer; each must say that its connection is closed."""
    answers = {head: read_answer(client) for head, client in clients.items()}
    assert all("\r\nConnection: close\r\n" in answer for answer in answers.values()), answers
    return {head: int(answer.split(" ")[1]) for head, answer in answers.items()}


def test_bodies_without_end_are_not_read_and_their_connections_closed(open_clients, watch):
    clients = {head: open_clients(4, f"{head}Content-Length: 1000000000000\r\n\r\n") for head in ENDLESS}
    senders = [client for some in clients.values() for client in some[1:]]
    begun = time.monotonic()
    with watch, send_on(senders, b"x" * 65_536):
        statuses = read_refusals({head: some[0] for head, some in clients.items()})
        watch.look_for(SECONDS)
    assert statuses == ENDLESS
    assert time.monotonic() - begun < 30
    watch.check()


CHUNKED = "Transfer-Encoding: chunked\r\n"
JSON_HEAD = f"POST {LINE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ROW = '{"inputs": {"x": 5}}'


def cut(body, size):
    """A body in chunks of this size."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return "".join(f"{len(piece):x}\r\n{piece}\r\n" for piece in pieces) + "0\r\n\r\n"


@pytest.mark.parametrize(
    "chunk", ["1\r\nx\r\n" * 10_000, f"{60_000:x}\r\n{'x' * 60_000}\r\n", "0\r\n" + "A: b\r\n" * 10_000]
)
def test_chunks_without_end_are_refused(open_clients, watch, chunk):
    heads = [FORM, JSON_HEAD, FORM.replace("POST / ", "POST /nowhere/ ")]
    clients = {head: open_clients(4, f"{head}{CHUNKED}\r\n") for head in heads}
    senders = [client for some in clients.values() for client in some[1:]]
    with watch, send_on(senders, chunk.encode()):
        for some in clients.values():
            send_until_refused(some[0], chunk.encode())
        statuses = read_refusals({head: some[0] for head, some in clients.items()})
        watch.look_for(SECONDS)
    assert set(statuses.values()) <= {400, 413}, statuses
    watch.check()


def send_until_refused(client, data):
    """Send again and again until the server has answered, which it does before it has read all of it."""
    client.setblocking(False)
    until = time.monotonic() + 60
    while not select.select([client], [], [], 0.01)[0]:
        assert time.monotonic() < until, "chunks without end were not refused"
        with suppress(BlockingIOError):
            client.send(data)
    client.setblocking(True)


@pytest.mark.parametrize("size", [1, 5, 1_000])
def test_bodies_in_chunks_are_answered_and_what_follows_them_too(open_clients, size):
    form = f"csrfmiddlewaretoken={TOKEN}&x=5"
    asked = [f"{FORM}{CHUNKED}\r\n{cut(form, size)}", f"{JSON_HEAD}{CHUNKED}\r\n{cut(ROW, size)}"]
    last = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    [client] = open_clients(1, "".join(asked) * 2 + last)
    answers = read_answer(client).split("HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == ["303", "200", "303", "200", "200"]


def test_chunks_that_come_one_by_one_are_answered(open_clients):
    [client] = open_clients(1, f"{JSON_HEAD}Expect: 100-continue\r\nConnection: close\r\n{CHUNKED}\r\n")
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    for byte in cut(ROW, 7):
        client.sendall(byte.encode())
    assert read_answer(client).startswith("HTTP/1.1 200 ")


def test_a_large_body_in_chunks_is_answered(open_clients):
    rows = '{"inputs": [' + ",".join(['{"x": 5}'] * 1_000) + " " * 3_900_000 + "]}"
    [client] = open_clients(1, f"{JSON_HEAD}{CHUNKED}Connection: close\r\n\r\n{cut(rows, 8_192)}")
    assert read_answer(client).startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize("chunks", ["x\r\n", "5\r\nabc\r\n0\r\n\r\n", "5\nabcde\r\n0\r\n\r\n", "0\r\nwrong\r\n\r\n"])
@pytest.mark.parametrize("head", [FORM, JSON_HEAD], ids=["form", "json"])
def test_a_malformed_chunk_gets_one_answer_which_names_it(open_clients, head, chunks):
    smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    [client] = open_clients(1, f"{head}{CHUNKED}\r\n{chunks}{smuggled}")
    answer = read_answer(client)
    assert answer.count("HTTP/1.1 ") == 1
    assert answer.startswith("HTTP/1.1 400 ")
    assert "\r\nConnection: close\r\n" in answer
    assert "chunk" in answer
    assert ("application/json" in answer) == (head == JSON_HEAD)


@pytest.mark.parametrize(
    "headers", ["Transfer-Encoding: gzip, chunked\r\n", f"Content-Length: 5\r\n{CHUNKED}", CHUNKED * 2]
)
def test_a_body_whose_end_is_doubtful_is_refused(open_clients, headers):
    [client] = open_clients(1, f"{JSON_HEAD}{headers}\r\n{cut(ROW, 5)}")
    answer = read_answer(client)
    assert answer.count("HTTP/1.1 ") == 1
    assert answer[9:12] in ("400", "411")


def test_a_body_in_gzip_and_chunks_is_answered(open_clients):
    [client] = open_clients(1, f"{JSON_HEAD}{CHUNKED}Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    packed = gzip.compress(ROW.encode())
    client.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))
    assert read_answer(client).startswith("HTTP/1.1 200 ")


def test_a_client_that_sends_all_of_a_body_which_is_a_little_too_large_reads_why_it_was_refused(open_clients):
    [client] = open_clients(1, f"{FORM}Content-Length: 600000\r\n\r\n")
    client.sendall(b"x" * 200_000)
    assert read_answer(client).startswith("HTTP/1.1 413 ")


def test_whoever_asks_first_is_told_at_once_whether_to_send_the_body(open_clients):
    small, large = open_clients(2, f"{FORM}Expect: 100-continue\r\n")
    body = f"csrfmiddlewaretoken={TOKEN}&x=5"
    small.sendall(f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
    large.sendall(b"Content-Length: 600000\r\n\r\n")
    assert small.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    small.sendall(body.encode())
    assert read_answer(small).startswith("HTTP/1.1 303 ")
    assert read_answer(large).startswith("HTTP/1.1 413 ")


def test_a_body_that_ends_too_early_is_not_served(open_clients):
    [client] = open_clients(1, f"{FORM}Content-Length: 100\r\n\r\ncsrfmiddlewaretoken={TOKEN}&x=5")
    client.shutdown(1)
    assert read_answer(client) == ""


def test_requests_in_one_packet_are_answered_in_their_order(open_clients):
    body = f"csrfmiddlewaretoken={TOKEN}&x="
    asked = [f"{FORM}Content-Length: {len(body) + 1}\r\n\r\n{body}{x}" for x in "5y6"]
    [client] = open_clients(1, "".join(asked) + "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answers = read_answer(client).split("HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == ["303", "422", "303", "200"]


def test_those_who_send_half_a_request_stop_nobody_else_and_are_asked_for_more_in_vain(open_clients, watch):
    heads = open_clients(20, FORM)
    bodies = open_clients(20, f"{FORM}Content-Length: 100\r\n\r\ncsrf")
    bodies += open_clients(20, f"{FORM}{CHUNKED}\r\n20\r\ncsrf")
    silent = open_clients(20)
    begun = time.monotonic()
    with watch:
        answers = [read_answer(client) for client in bodies]
    assert {answer[:12] for answer in answers} == {"HTTP/1.1 408"}
    assert 9 < time.monotonic() - begun < 40
    watch.check()
    assert len(heads) == len(silent)


def test_those_who_do_not_read_their_answers_stop_nobody_else(open_clients, watch):
    clients = open_clients(12)
    for client in clients:
        client.setblocking(False)
        with suppress(BlockingIOError):
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5_000)
    with watch:
        watch.look_for(3 * SECONDS)
    watch.check()


def test_those_who_ask_to_close_and_do_not_stop_nobody_else(open_clients, watch):
    clients = open_clients(12, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    with watch:
        watch.look_for(SECONDS)
    watch.check()
    assert {client.recv(12) for client in clients} == {b"HTTP/1.1 200"}


def test_more_clients_than_a_worker_holds_keep_nobody_out(site, tmp_path):
    server = start_server(
        tmp_path,
        DATABASE_URL=make_database_url(),
        WEB_CONCURRENCY="1",
        GUNICORN_CMD_ARGS="--worker-connections 20",
    )
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.wait_until("/readyz")
        for said in ("", f"{FORM}Content-Length: 100\r\n\r\ncsrf"):
            watch = Watch(server.address)
            with ExitStack() as clients:
                for _ in range(60):
                    client = clients.enter_context(closing(connect(server.address)))
                    client.sendall(said.encode())
                with watch:
                    watch.look_for(SECONDS)
            watch.check()


@pytest.mark.parametrize(
    "headers", ["".join(f"X-{n}: {'x' * 8000}\r\n" for n in range(5)), "Cookie: " + "x" * 9000 + "\r\n"]
)
def test_long_heads_are_refused(open_clients, headers):
    [client] = open_clients(1, f"GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
    assert read_answer(client).startswith("HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (f"GET /?{'x' * 4_100} HTTP/1.1\r\n", 414, "address_too_long"),
        (f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {'x' * 9_000}\r\n", 431, "head_too_large"),
        ("hello\r\n", 400, "not_http"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: <b>\r\n", 501, "not_http"),
    ],
)
def test_what_the_server_itself_refuses_has_the_shape_of_the_apis_errors(open_clients, head, status, code):
    [client] = open_clients(1, f"{head}\r\n")
    headers, _, body = read_answer(client).partition("\r\n\r\n")
    assert headers.startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/json" in headers
    error = json.loads(body)["error"]
    assert (error["code"], error["message"][-1]) == (code, ".")


def test_no_header_moves_the_links_of_other_visitors(site, tmp_path):
    trusting = {"FORWARDED_ALLOW_IPS": "*", "ALLOWED_HOSTS": "*"}
    server = start_server(tmp_path, DATABASE_URL=make_database_url(), WEB_CONCURRENCY="1", **trusting)
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.wait_until("/healthz")

        def ask(path, words):
            with closing(connect(server.address)) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\n{words}Connection: close\r\n\r\n".encode())
                return read_answer(client)

        for name in ("SCRIPT_NAME", "Script-Name", "PATH_INFO", "X-Forwarded-Prefix"):
            words = f"Host: evil.example\r\nX-Forwarded-Host: evil.example\r\n{name}: /evil\r\n"
            ask("/evil/", words)
            ask("/", words)
        page = ask("/", "Host: localhost\r\n")
    assert "evil" not in page
    assert 'action="/line/"' in page


@pytest.mark.django_db
def test_no_cache_keeps_what_a_request_says_of_its_address(client):
    register_shipped("line")
    make_url.cache_clear()
    _find_prediction_address.cache_clear()
    asked = RequestFactory(SCRIPT_NAME="/evil").get("/").environ
    set_script_prefix(get_script_name(asked))  # As Django does for each request.
    for path in ("/", "/about/line/"):
        assert "evil" not in client.get(path).content.decode()
    answer = client.post("/", {"x": "5"})
    assert answer["Location"].startswith("/predictions/")


def test_five_clients_with_thousands_of_unknown_fields_are_not_noticed(open_clients, watch):
    body = f"csrfmiddlewaretoken={TOKEN}&" + "&".join(f"a{n}=1" for n in range(40_000))
    clients = open_clients(5)
    request = f"{FORM}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    with watch, send_on(clients, request):
        watch.look_for(SECONDS)
    watch.check()


@pytest.mark.parametrize(
    "inputs",
    [
        "{" + ",".join(f'"k{n}":1' for n in range(300_000)) + "}",
        "[" + ",".join(["{" + ",".join(f'"k{n}":1' for n in range(300)) + "}"] * 1000) + "]",
        "[" + ",".join(["[]"] * 1_200_000) + "]",
        "[" + ",".join(['{"x":"y"}'] * 1000) + "]",
    ],
    ids=["one row", "unknown fields", "lists", "wrong"],
)
def test_five_clients_with_bodies_as_large_as_allowed_are_not_noticed(open_clients, watch, inputs):
    clients = open_clients(5)
    body = f'{{"inputs":{inputs}}}'
    head = f"POST {LINE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    with watch, send_on(clients, request):
        watch.look_for(SECONDS)
    watch.check()
