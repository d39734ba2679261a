"""Tells people and programs what happened to a model: by e-mail, and by a webhook that is signed.

The webhook follows Standard Webhooks (https://www.standardwebhooks.com): the receiver checks `webhook-signature`.
"""

import hmac
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from uuid_utils import uuid7

from predictor.exceptions import AlertNotSent

logger = logging.getLogger(__name__)
SECONDS_TO_ANSWER = 5
TRIES = 3
SECONDS_BETWEEN = 2.0
PREFIX = "whsec_"


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is signed for one address is sent to no other."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


def send_alert(type: str, subject: str, text: str, data: dict[str, Any]) -> None:
    """Send an e-mail to ALERT_EMAILS and an event to ALERT_WEBHOOK. Raises AlertNotSent where one of both fails."""
    problems = []
    if settings.ALERT_EMAILS:
        try:
            send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, settings.ALERT_EMAILS)
        except OSError as error:  # Also what smtplib raises.
            problems.append(f"the e-mail was not sent: {error}")
    if settings.ALERT_WEBHOOK:
        try:
            send_event(type, data)
        except OSError as error:
            problems.append(f"the webhook did not take it: {error}")
    if problems:
        raise AlertNotSent("; ".join(problems))


def announce(type: str, data: dict[str, Any]) -> None:
    """Send an event in the background, three times at most; one that is not taken is logged."""
    if settings.ALERT_WEBHOOK:
        # Not a daemon: a command ends only when it is sent.
        threading.Thread(target=_send_patiently, args=[type, data], name="webhook").start()


def _send_patiently(type: str, data: dict[str, Any]) -> None:
    for left in reversed(range(TRIES)):
        try:
            send_event(type, data)
        except OSError as error:
            logger.warning("ALERT_WEBHOOK did not take %s: %s", type, error)
            if left:
                time.sleep(SECONDS_BETWEEN)
        else:
            return


def send_event(type: str, data: dict[str, Any]) -> None:
    """POST one event, signed. Raises OSError where the webhook cannot be reached, or does not answer with 2xx."""
    moment = int(time.time())
    id, body = f"msg_{uuid7()}", json.dumps({"type": type, "timestamp": moment, "data": data}).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "mlsite",
        "webhook-id": id,
        "webhook-timestamp": str(moment),
        "webhook-signature": sign(id, moment, body),
    }
    request = urllib.request.Request(settings.ALERT_WEBHOOK, body, headers)  # noqa: S310  # predictor.checks wants https.
    with urllib.request.build_opener(NoRedirects).open(request, timeout=SECONDS_TO_ANSWER):
        pass


def sign(id: str, moment: int, body: bytes) -> str:
    """The signature of a message, as Standard Webhooks defines its version 1: HMAC-SHA-256."""
    digest = hmac.digest(find_key(settings.ALERT_WEBHOOK_SECRET), f"{id}.{moment}.".encode() + body, "sha256")
    return f"v1,{b64encode(digest).decode()}"


def find_key(secret: str) -> bytes:
    """The key in a secret; empty where it has none."""
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except ValueError:
        return b""
