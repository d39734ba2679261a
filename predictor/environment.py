"""Sets what libraries read from the environment on import, in commands, gunicorn, tests and notebooks."""

import os


def set_up_libraries() -> None:
    """Call this before onnxruntime and scikit-learn are imported: they read it only once."""
    # Otherwise onnxruntime stores an id of the machine in the home folder and sends events to Microsoft.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # An idle OpenMP thread sleeps; spinning, it would occupy a core that others need.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
