"""Has a Dask cluster score the pieces of a table, few of them at a time, and gives them back in their order."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from predictor.cluster.model import SentModel
from predictor.cluster.pieces import Piece
from predictor.cluster.work import ScoredPiece, Wanted, score_piece
from predictor.exceptions import MlsiteError
from predictor.texts import take_first_line

if TYPE_CHECKING:
    from distributed import Client, Future

SECONDS_TO_CONNECT = 10.0
SECONDS_WITHOUT_WORKERS = 60.0
SECONDS_BETWEEN_LOOKS = 2.0
# For each thread of the workers, so that none waits for this process; also bounds the memory here.
PIECES_A_THREAD = 2
LEAST_PIECES = 4


class ClusterError(MlsiteError):
    """A cluster that could not do its work."""


class ClusterLost(ClusterError):
    """A cluster that cannot be reached, or has no worker: later it may be there."""


@contextmanager
def connect(url: str) -> "Iterator[Client]":
    """A client of the scheduler at `url`; TLS is set up by Dask's own configuration. Raises ClusterError."""
    try:
        from distributed import Client, Security
    except ImportError as error:
        raise ClusterError("distributed is not installed: install requirements-cluster.txt") from error
    if url.startswith("tls:") and not Security().get_connection_args("client").get("ssl_context"):
        names = "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__CLIENT__CERT and …__CLIENT__KEY"
        raise ClusterError(f"{url} needs a certificate: set {names} to the files of yours")
    try:
        client = Client(url, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterLost(f"No Dask scheduler could be reached at {url}: {take_first_line(error)}") from error
    with client:
        yield client


def score_pieces(
    client: "Client", sent: SentModel, pieces: Iterable[Piece], wanted: Wanted
) -> Generator[ScoredPiece, None, None]:
    """Yield all pieces with their answers, in their order, each once.

    What ran on a worker that is lost runs again on another. Raises ClusterError naming the piece that failed.
    """
    # Data of a task, unlike scattered data, is made again where the worker that has it is lost.
    model = client.submit(_identity, sent, pure=False)
    waiting: deque[tuple[Piece, Future]] = deque()
    most, looked = LEAST_PIECES, float("-inf")
    try:
        for piece in pieces:
            # Workers may come and go.
            if time.monotonic() - looked > SECONDS_BETWEEN_LOOKS:
                most, looked = max(LEAST_PIECES, PIECES_A_THREAD * _count_threads(client)), time.monotonic()
            if len(waiting) >= most:
                yield _wait(client, *waiting.popleft())
            waiting.append((piece, client.submit(score_piece, model, piece, wanted, pure=False)))
        while waiting:
            yield _wait(client, *waiting.popleft())
    finally:
        client.cancel([future for _, future in waiting], force=True)


def _identity(sent: SentModel) -> SentModel:
    return sent


def _wait(client: "Client", piece: Piece, future: "Future") -> ScoredPiece:
    from distributed import TimeoutError

    seen = time.monotonic()
    while True:
        try:
            return future.result(timeout=SECONDS_BETWEEN_LOOKS)
        except TimeoutError:
            if _count_threads(client):
                seen = time.monotonic()
            elif time.monotonic() - seen > SECONDS_WITHOUT_WORKERS:
                raise ClusterLost(f"The cluster has had no worker for {SECONDS_WITHOUT_WORKERS:.0f} s") from None
        except Exception as error:
            raise _explain(piece, error) from error


def _count_threads(client: "Client") -> int:
    try:
        return sum(client.nthreads().values())
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterLost(f"The scheduler was lost: {take_first_line(error)}") from error


def _explain(piece: Piece, error: Exception) -> ClusterError:
    from distributed import CancelledError

    kind = ClusterLost if isinstance(error, CancelledError | OSError) else ClusterError
    return kind(f"{piece.name}, piece {piece.number + 1} ({piece.place}): {_describe(error)}")


def _describe(error: Exception) -> str:
    from distributed import CancelledError, KilledWorker

    if isinstance(error, MlsiteError):
        return str(error)
    if isinstance(error, KilledWorker):
        return "each worker that it ran on was lost; perhaps they have too little memory"
    if isinstance(error, CancelledError):
        return "the scheduler was lost, or somebody cancelled it"
    # The scheduler, too, reads what is sent, and says only that this failed.
    if isinstance(error, ImportError) or "deserialization of the task graph" in str(error):
        return "the scheduler or a worker cannot import mlsite: start all of them in a checkout of this build"
    return f"{type(error).__name__}: {take_first_line(error)}"
