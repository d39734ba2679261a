"""What of the site's own logo the Content-Security-Policy must know."""

import re

ORIGIN = re.compile(r"(https://[a-z0-9.-]+(?::[0-9]{1,5})?)/", re.ASCII | re.IGNORECASE)


def find_image_origin(logo: str) -> str:
    """The origin of a logo on another host; empty for one of this site's own, and for what predictor.checks refuses."""
    found = ORIGIN.match(logo)
    return found[1] if found else ""
