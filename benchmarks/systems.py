"""The site and what people would use instead of it: how each is installed and started, asked, and understood."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.checkouts import OURS, Checkout, install
from benchmarks.lifetime import SECONDS_TO_END, forget, send, watch

PEERS = Path(__file__).parent / "peers"
WORKERS = 2
SECONDS_TO_START = 90.0
TOKEN = "a" * 32
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
# As from Heroku's router, so that the site serves as in production.
SECURE = "X-Forwarded-Proto: https"

Row = list[float] | list[str]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One way to ask a system: `how` as load.lua has it, a body for each row, and the number that an answer holds."""

    model: str
    title: str
    path: str
    headers: list[str]
    how: str = "post"
    write: Callable[[Row], str] = lambda row: ""
    read: Callable[[str], float] | None = None


@dataclass(kw_only=True)
class System:
    """A server with its workers. `title` is what the table calls it; it answers the questions about its models."""

    title: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    port: int
    ready: str
    questions: list[Question]
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, log: Path) -> float:
        """Start it, and return the seconds until it first answered."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        began = time.monotonic()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=environment | self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        watch(self.process.pid)
        while not self.answers():
            if time.monotonic() - began > SECONDS_TO_START or self.process.poll() is not None:
                sys.exit(f"{self.title} did not start:\n{log.read_text()}")
            time.sleep(0.02)
        return time.monotonic() - began

    def answers(self) -> bool:
        try:
            return ask(self.address + self.ready, [SECURE]) is not None
        except OSError:
            return False

    def stop(self) -> None:
        """End it with all of its processes."""
        if self.process is not None:
            send(self.process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(SECONDS_TO_END)
            send(self.process.pid, signal.SIGKILL)  # What is left of its group.
            self.process.wait()
            forget(self.process.pid)
            self.process = None

    def measure_memory(self) -> list[float]:
        """The proportional set size of each of its processes in MB, shared memory divided among them."""
        assert self.process is not None
        return sorted(measure_pss(pid) for pid in list_family(self.process.pid))


def list_family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in list_family(int(child)))]


def measure_pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def ask(address: str, headers: list[str], body: str | None = None) -> str:
    """One request, as a client would send it; raises OSError for any answer that is not a success."""
    request = urllib.request.Request(
        address, body.encode() if body is not None else None, dict(header.split(": ", 1) for header in headers)
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read().decode())


def ask_in_json(model: str, path: str, body: str, read: Callable[[Any], float]) -> Question:
    """A question whose body is JSON in which `VALUES` stands for a row's numbers; `read` is given the answer's JSON."""
    return Question(
        model=model,
        title="JSON",
        path=path,
        headers=[JSON],
        write=lambda row: body.replace("VALUES", json.dumps(row)),
        read=lambda answer: float(read(json.loads(answer))),
    )


def make_peer(peer: str, model: str, work: Path, port: int) -> System:
    """A peer that serves one of the models, which its own scikit-learn has fitted."""
    programs = install(peer, PEERS / peer / "requirements.txt")
    fitted = work / peer
    if not fitted.exists():
        fitted.mkdir()
        subprocess.run([programs / "python", PEERS / "train.py", work, fitted], check=True)
    return MAKERS[peer](programs, fitted / f"{model}.pkl", model, port)


def make_flask(programs: Path, pickled: Path, model: str, port: int) -> System:
    is_text = model == "reviews"

    def write(row: Row) -> str:
        return urlencode({"review" if is_text else f"x{number}": value for number, value in enumerate(row)})

    def read(answer: str) -> float:
        return float(answer.partition("Prediction: ")[2].partition("<")[0])

    return System(
        title="Flask, the tutorial's app",
        command=[
            *(str(programs / "gunicorn"), "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"),
            "text_app:app" if is_text else "app:app",
        ],
        environment={"MODEL": str(pickled)},
        folder=PEERS / "flask",
        port=port,
        ready="/",
        questions=[Question(model=model, title="form", path="/predict", headers=[FORM], write=write, read=read)],
    )


def make_fastapi(programs: Path, pickled: Path, model: str, port: int) -> System:
    return System(
        title="FastAPI",
        command=[str(programs / "uvicorn"), "app:app", "--workers", str(WORKERS), "--port", str(port)],
        environment={"MODEL": str(pickled)},
        folder=PEERS / "fastapi",
        port=port,
        ready="/docs",
        questions=[ask_in_json(model, "/predict", '{"values": VALUES}', lambda answer: answer["prediction"])],
    )


def make_mlflow(programs: Path, pickled: Path, model: str, port: int) -> System:
    saved = pickled.with_suffix(".mlflow")
    if not saved.exists():
        quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
        subprocess.run([programs / "python", PEERS / "mlflow/save.py", pickled, saved], env=quiet, check=True)
    options = ["--env-manager", "local", "--workers", str(WORKERS), "--port", str(port)]
    return System(
        title="MLflow",
        command=[str(programs / "mlflow"), "models", "serve", "--model-uri", str(saved), *options],
        environment={"PATH": f"{programs}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"},
        folder=PEERS / "mlflow",
        port=port,
        ready="/ping",
        questions=[ask_in_json(model, "/invocations", '{"inputs": [VALUES]}', lambda answer: answer["predictions"][0])],
    )


def make_bentoml(programs: Path, pickled: Path, model: str, port: int) -> System:
    return System(
        title="BentoML, adaptive batching",
        command=[str(programs / "bentoml"), "serve", "service:Model", "--port", str(port)],
        environment={"PATH": f"{programs}:{os.environ['PATH']}", "MODEL": str(pickled), "BENTOML_DO_NOT_TRACK": "1"},
        folder=PEERS / "bentoml",
        port=port,
        ready="/readyz",
        questions=[ask_in_json(model, "/predict", '{"rows": [VALUES]}', lambda answer: answer[0])],
    )


MAKERS = {"flask": make_flask, "fastapi": make_fastapi, "mlflow": make_mlflow, "bentoml": make_bentoml}


def make_site(checkout: Checkout, environment: dict[str, str], port: int, questions: list[Question]) -> System:
    """A checkout's site, by its Procfile's own command."""
    [command] = [line for line in (checkout.folder / "Procfile").read_text().splitlines() if line.startswith("web: ")]
    return System(
        title=checkout.title,
        command=command.removeprefix("web: ").split(),
        environment={
            **KEYS,
            # Overrides a .env in its folder.
            "DEFAULT_MODEL": "line",
            "ALLOWED_HOSTS": "",
            "PORT": str(port),
            "WEB_CONCURRENCY": str(WORKERS),
            "PATH": f"{checkout.python.parent}:{os.environ['PATH']}",
            **environment,
        },
        folder=checkout.folder,
        port=port,
        ready="/readyz",
        questions=questions,
    )


def make_ours(
    database_url: str, columns: dict[str, list[str]], port: int, checkout: Checkout = OURS, *, references: bool = False
) -> System:
    """The site in production on PostgreSQL, behind what a router adds to a request.

    With `references`, each row in JSON has one of its own.
    """
    named = {"reference": "customer-NUMBER/2026-03"} if references else {}
    address = f"127.0.0.1:{port}"
    tokens = [f"Cookie: __Host-csrftoken={TOKEN}; csrftoken={TOKEN}", f"Origin: https://{address}", f"Host: {address}"]

    def write_form(model: str) -> Callable[[Row], str]:
        return lambda row: urlencode({"csrfmiddlewaretoken": TOKEN, **dict(zip(columns[model], row, strict=True))})

    def make_json(model: str) -> Question:
        return Question(
            model=model,
            title="JSON",
            path=f"/api/v1/models/{model}/predict",
            headers=[JSON, SECURE],
            write=lambda row: json.dumps({"inputs": dict(zip(columns[model], row, strict=True)), **named}),
            read=lambda answer: float(json.loads(answer)["predictions"][0]["output"]),
        )

    # As the form sends it, whose answer goes next to it.
    by_htmx = [FORM, SECURE, "HX-Request: true", "HX-Target: answer", *tokens]
    form = {"model": "line", "path": "/", "write": write_form("line")}
    environment = {
        "DATABASE_URL": database_url,
        "DEPLOYMENT": "production",
        "FORWARDED_ALLOW_IPS": "*",
        # Counted, but never refused.
        "RATE_LIMIT_ADDRESS": "1000000000/day",
        "RATE_LIMIT_KEY": "1000000000/day",
        "API_ACCESS": "public",
    }
    questions = [
        make_json("line"),
        make_json("forest"),
        Question(title="form, by htmx", headers=by_htmx, **form),
        Question(title="form, 303 and page", how="journey", headers=[FORM, SECURE, *tokens], **form),
        Question(model="", title="an empty page (/healthz)", how="get", path="/healthz", headers=[SECURE]),
    ]
    if "reviews" in columns:
        form = {"model": "reviews", "path": "/reviews/", "write": write_form("reviews")}
        questions += [make_json("reviews"), Question(title="form, by htmx", headers=by_htmx, **form)]
    return make_site(checkout, environment, port, questions)


def send_key(site: System, key: str) -> None:
    """Send an API key with each row in JSON from now on."""
    for question in site.questions:
        if question.title == "JSON":
            question.headers.append(f"Authorization: Bearer {key}")


KEYS = {"SECRET_KEY": secrets.token_hex(32), "MODEL_SIGNING_KEY": secrets.token_hex(32)}
