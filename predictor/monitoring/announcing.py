"""Announces a model's state: once where it changes, and not again while it stays."""

from django.utils import timezone

from predictor.alerts import send_alert
from predictor.models import Monitoring


def announce_state(stored: Monitoring, text: str) -> bool:
    """Send the state of a run with its text, where it is not the one that was announced last; whether it was sent.

    The first state of a model is only announced where it is an alarm. Raises AlertNotSent: the next run tries again.
    """
    last = Monitoring.objects.find_announced(stored.model)
    if stored.state == last.state if last else stored.state != "alarm":
        return False
    data = {
        "model": stored.model,
        "state": stored.state,
        "former": last.state if last else None,
        **{name: stored.result[name] for name in ("version", "decided_by", "since", "until")},
        "text": text,
    }
    send_alert("model.state", f"{stored.model}: {stored.state}", text, data)
    stored.announced_at = timezone.now()
    stored.save(update_fields=["announced_at"])
    return True
