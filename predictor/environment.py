"""Sets what libraries read from the environment on import, in commands, gunicorn, tests and notebooks."""

import os

# Of an idle thread of OpenMP's before it sleeps: some microseconds.
TURNS = 20_000


def set_up_libraries() -> None:
    """Call this before onnxruntime, polars and scikit-learn are imported: they read it only once."""
    # Otherwise onnxruntime stores an id of the machine in the home folder and sends events to Microsoft.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # polars' allocator would keep what it freed: up to 100 MB, of which a worker may take 250.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:50,muzzy_decay_ms:0")
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ.update(choose_waiting(os.getloadavg()[0], os.cpu_count() or 1))


def choose_waiting(load: float, cores: int) -> dict[str, str]:
    """How OpenMP's idle threads wait on a machine with this load average.

    One that spins takes a core that others want; on quiet cores, one that sleeps at once is woken too late.
    """
    return {"OMP_WAIT_POLICY": "PASSIVE"} if load > cores else {"GOMP_SPINCOUNT": str(TURNS)}
