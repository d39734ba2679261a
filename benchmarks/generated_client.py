"""Generates a client from a site's OpenAPI document, and predicts and records an outcome with it.

    python -m benchmarks.generated_client http://localhost:8000 KEY

The site serves `line`; the key has the scopes predict, read and outcome. openapi-python-client runs in an environment
of its own, made once below benchmarks/.peers, which is all that happens without arguments; with that,
tests/test_generated_client.py does the same.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.checkouts import install

PEER = Path(__file__).parent / "peers/openapi_client"


def generate_and_use(address: str, key: str, programs: Path, folder: Path) -> str:
    """Write the package `client` into a folder and use it; returns what `use.py` prints."""
    document = f"{address}/api/v1/openapi.json"
    generate = [programs / "openapi-python-client", "generate", "--meta", "none", "--fail-on-warning"]
    subprocess.run([*generate, "--url", document, "--output-path", folder / "client"], cwd=folder, check=True)
    use = [programs / "python", PEER / "use.py", address, key]
    done = subprocess.run(
        use, cwd=folder, env={"PYTHONPATH": str(folder)}, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def main() -> None:
    programs = install("openapi_client", PEER / "requirements.txt")
    if not sys.argv[1:]:
        return
    address, key = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        print(generate_and_use(address.rstrip("/"), key, programs, Path(folder)), end="")


if __name__ == "__main__":
    main()
