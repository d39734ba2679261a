"""Which addresses take whole files: the server writes the body of a request to the disk as it arrives."""

import re

# Of a model's form for files; and all in the admin that end so.
UPLOADS = re.compile(r"/[-\w]+/file/|/admin/.+/upload/")


def is_upload(path: str) -> bool:
    """Whether a request to an address, without the site's prefix, may carry a file."""
    return UPLOADS.fullmatch(path) is not None
