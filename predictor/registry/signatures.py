"""The signature of a manifest: its HMAC, and how it is verified."""

import hmac

from django.conf import settings
from django.utils.crypto import salted_hmac

from predictor.exceptions import BadSignature

SALT = "mlsite.artifact"


def sign_manifest(manifest: str, key: str | None = None) -> str:
    """HMAC-SHA-256 under MODEL_SIGNING_KEY, 64 hexadecimal digits."""
    secret = settings.MODEL_SIGNING_KEY if key is None else key
    return salted_hmac(SALT, manifest, secret=secret, algorithm="sha256").hexdigest()


def find_key(manifest: str, signature: str) -> str:
    """The trusted key that signed a manifest. Raises BadSignature where none did."""
    for key in (settings.MODEL_SIGNING_KEY, *settings.MODEL_SIGNING_KEY_FALLBACKS):
        if hmac.compare_digest(sign_manifest(manifest, key).encode(), signature.encode()):
            return str(key)
    raise BadSignature("its manifest is not signed with MODEL_SIGNING_KEY or one of its fallbacks")
