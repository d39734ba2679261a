"""Compares our answers by MLflow's protocol with those of MLflow's own server; ends with status 1 where they differ.

    python -m benchmarks.against_mlflow

MLflow runs in an environment of its own, made once below benchmarks/.peers. The site is set up on SQLite with the
shipped models, and `mlflow models serve` gets the same two pickles with the signatures of their tables. Both are sent
every request of benchmarks/mlflow_requests.py. Their status must be the same, and for 200 their predictions (numbers up
to 1e-9), unless the request says why not; MLflow's must also be the one that is recorded there.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.checkouts import OURS, ROOT, install
from benchmarks.mlflow_requests import REQUESTS, Request
from benchmarks.preparation import prepare_site
from benchmarks.systems import KEYS, PEERS, System, make_site
from tests.visitor import find_free_port

MODELS = ("line", "penguins")
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer's status, and its predictions where it has some."""

    status: int
    predictions: list[Any]


def send(address: str, request: Request) -> Answer:
    sent = urllib.request.Request(address, request.write(), {"Content-Type": request.content_type})
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return Answer(status=answer.status, predictions=json.load(answer)["predictions"])
    except urllib.error.HTTPError as error:
        return Answer(status=error.code, predictions=[])


def is_same(ours: Answer, theirs: Answer) -> bool:
    if (ours.status, len(ours.predictions)) != (theirs.status, len(theirs.predictions)):
        return False
    return all(
        abs(one - other) <= ROUNDING if isinstance(one, float) else one == other
        for one, other in zip(ours.predictions, theirs.predictions, strict=True)
    )


def start_ours(folder: Path, stack: ExitStack) -> System:
    """Start the site with the shipped models; their pickles are written into the folder's recipes."""
    shutil.copytree(ROOT / "ml_models", folder / "recipes", ignore=shutil.ignore_patterns("*.pkl", "__pycache__"))
    database = f"sqlite:///{folder / 'site.sqlite3'}"
    environment = {**KEYS, "DATABASE_URL": database, "DEPLOYMENT": "local", "WEB_CONCURRENCY": "1"}
    prepare_site(OURS, environment, folder / "recipes")
    site = make_site(OURS, environment, find_free_port(), [])
    stack.callback(site.stop)
    site.start(folder / "site.log")
    write_schemas(folder, environment)
    return site


def write_schemas(folder: Path, environment: dict[str, str]) -> None:
    write = (
        "import json, sys; from predictor.models import Version;"
        " print(json.dumps({each.model: each.schema for each in Version.objects.all()}))"
    )
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", write]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True, capture_output=True, text=True)
    for model, schema in json.loads(done.stdout).items():
        (folder / f"{model}.json").write_text(json.dumps(schema))


def save_theirs(model: str, folder: Path) -> tuple[Path, dict[str, str]]:
    """Save a model's pickle in MLflow's format; returns MLflow's program, and the environment that it needs."""
    programs, recipe = install("mlflow", PEERS / "mlflow/requirements.txt"), folder / "recipes" / model
    quiet = {"PATH": f"{programs}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    save = [programs / "python", PEERS / "mlflow/save_sample.py"]
    arguments = [recipe / "model.pkl", folder / f"{model}.json", recipe / "data.csv", folder / f"{model}.mlflow"]
    subprocess.run([*save, *arguments], env=os.environ | quiet, stdout=sys.stderr, check=True)
    return programs / "mlflow", quiet


def start_theirs(model: str, folder: Path, stack: ExitStack) -> System:
    mlflow, quiet = save_theirs(model, folder)
    port = find_free_port()
    options = ["--env-manager", "local", "--workers", "1", "--port", str(port)]
    server = System(
        title="MLflow",
        command=[str(mlflow), "models", "serve", "--model-uri", str(folder / f"{model}.mlflow"), *options],
        environment=quiet,
        folder=folder,
        port=port,
        ready="/ping",
        questions=[],
    )
    stack.callback(server.stop)
    server.start(folder / f"{model}.log")
    return server


def judge(request: Request, ours: Answer, theirs: Answer) -> str:
    """What the table says of two answers; in capitals where it is not as it should be."""
    if theirs.status != request.status:
        return f"MLFLOW ANSWERED {request.status} BEFORE"
    if is_same(ours, theirs):
        return "THE SAME BY NOW" if request.differs else "same"
    return request.differs or "DIFFERS"


def main() -> int:
    wrong = 0
    print("| model | request | MLflow | ours | |\n|---|---|--:|--:|---|")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ours = start_ours(Path(folder), stack)
        theirs = {model: start_theirs(model, Path(folder), stack) for model in MODELS}
        for request in REQUESTS:
            our_answer = send(f"{ours.address}/invocations?model={request.model}", request)
            their_answer = send(f"{theirs[request.model].address}/invocations", request)
            verdict = judge(request, our_answer, their_answer)
            wrong += verdict.isupper()
            print(f"| {request.model} | {request.title} | {their_answer.status} | {our_answer.status} | {verdict} |")
    print(
        f"\n{len(REQUESTS)} requests, {sum(bool(each.differs) for each in REQUESTS)} known differences, {wrong} others"
    )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
