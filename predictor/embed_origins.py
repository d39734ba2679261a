"""The sites whose pages may contain a model's form, or call the API: what such an origin looks like."""

import re

# https://example.com, with a port where it is not the usual one. Plain HTTP is for this machine alone.
ORIGIN = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")
EXPECTED_ORIGIN = "an origin such as https://example.com, in lower case and without a path"


def is_origin(text: str) -> bool:
    return ORIGIN.fullmatch(text) is not None
