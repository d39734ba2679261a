"""Settings of the server, on a laptop and on a dyno alike, each with its reason."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from dotenv import load_dotenv

try:
    load_dotenv(Path(__file__).parent / ".env", override=False, encoding="utf-8-sig")
except (OSError, ValueError) as error:
    sys.exit(f".env cannot be read ({error}): save it as text in UTF-8, readable by the user who runs the site.")


def read_number(name: str, default: int, least: int = 1) -> int:
    given = os.environ.get(name) or str(default)
    if not given.isdecimal() or not least <= int(given) < 65536:
        sys.exit(f"{name} is {given!r}: it must be a whole number from {least} to 65535.")
    return int(given)


# One thread for each BLAS or OpenMP call: workers share the cores already, and one row needs no more.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# On a dyno the router connects from outside; everywhere else only this machine may, unless HOST says otherwise.
host = os.environ.get("HOST") or ("0.0.0.0" if "DYNO" in os.environ else "127.0.0.1")  # noqa: S104  # See above.
bind = f"{host}:{read_number('PORT', 8000)}"

wsgi_app = "mlsite.wsgi:application"
workers = read_number("WEB_CONCURRENCY", 2)
if os.environ.get("DATABASE_URL", "").startswith(("postgres:", "postgresql:", "pgsql:")):
    # Hundreds of requests wait at once, for a commit or for their client, and cost no thread each. 2 connections for
    # the pages and 1 for the batcher: 2 workers hold at most 6, and with those of the former build 12, of the 20 that
    # Heroku's smallest Postgres allows. docs/serving.md counts the others.
    worker_class = "mlsite.worker.Worker"
    os.environ["DATABASE_POOL_SIZE"] = "2"
    # Just before the worker stops waiting (10 s), so that no statement runs longer than its page is waited for.
    os.environ["DATABASE_STATEMENT_SECONDS"] = str(read_number("DATABASE_STATEMENT_SECONDS", 9, least=0))
else:
    # Waiting for SQLite stops a whole gevent worker.
    worker_class = "mlsite.threads.Worker"
    threads = 4
    # Python's sendfile waits for its client without end.
    sendfile = False

# Heroku's router keeps idle connections for 90 s; this server must not close them first.
keepalive = 95
# The router gives up at 30 s, and SIGKILL follows SIGTERM by 30 s: be done before either.
timeout = 30
graceful_timeout = 25

# The heartbeat file on a real disk can block a worker for as long as the disk does.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # A RAM disk, by intent.
# Read here since gunicorn itself reads it before .env. Only these proxies may say that their client used HTTPS.
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"
# No header of a request may set the site's path prefix: it would change the links of all visitors.
forwarder_headers = ""

# This server is not controlled through a socket.
control_socket_disable = True

# The request line is the raw one, which cannot break a log line; the request id is the one of Django's lines.
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s %(M)sms [%({x-request-id}o)s]'


# Where all workers count for /metrics; a reload keeps it.
OWN_FOLDER = "mlsite-metrics-"
if os.environ.get("METRICS_TOKEN"):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ.get("PROMETHEUS_MULTIPROC_DIR") or mkdtemp(prefix=OWN_FOLDER)
folder_of_counts = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")


def on_starting(server: object) -> None:
    """Report wrong and doubtful settings in a few lines, where a worker that fails to boot would print a stack trace.

    The check runs in its own process: every worker would inherit what the master imports or connects to.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr.strip())
    sys.stderr.write(done.stderr)


def post_worker_init(worker: object) -> None:
    """Let each worker watch for newer versions, so that an idle one has them before its next visitor.

    And let it count predictions together with all other workers.
    """
    from predictor.access import predictions
    from predictor.serving.service import service

    service.watch()
    predictions.watch()


def child_exit(server: object, worker: Any) -> None:
    """Count no more what a worker that has ended had open."""
    if folder_of_counts:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)


def on_exit(server: object) -> None:
    if Path(folder_of_counts).name.startswith(OWN_FOLDER):
        shutil.rmtree(folder_of_counts, ignore_errors=True)
