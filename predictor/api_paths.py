"""Which addresses are for programs: their errors are not pages, and their bodies may be larger than a form's."""

INVOCATIONS = "/invocations"


def is_api(path: str) -> bool:
    """Whether an address, without the site's prefix, belongs to the JSON API or takes rows by MLflow's protocol."""
    return path.startswith("/api/") or path == INVOCATIONS
