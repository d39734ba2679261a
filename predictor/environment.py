"""What libraries read from the environment when they are loaded, in commands, gunicorn, tests and notebooks alike."""

import os


def set_up_libraries() -> None:
    """Must run before onnxruntime and scikit-learn are imported: both look only once."""
    # Without it, onnxruntime keeps an id of this machine below the home folder and sends events to Microsoft.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # A thread of OpenMP that has nothing to do sleeps; spinning, it takes a core from whoever has work for it.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
