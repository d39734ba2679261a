"""What users may do on pages who have signed in to the admin."""

from django.http import HttpRequest

from predictor.access.rights import may_see


def is_staff(request: HttpRequest, model: str) -> bool:
    """Whether the user is staff of a model; a visitor without a session has no user (StaffMiddleware)."""
    return hasattr(request, "user") and bool(request.user.is_staff) and may_see(request.user, model)


def may_record(request: HttpRequest, model: str) -> bool:
    """Whether the user may record outcomes of a model."""
    return is_staff(request, model) and request.user.has_perm("predictor.add_outcome")
