"""The page of the API's documentation. It is made of the OpenAPI document, and looks as the site's other pages."""

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import get_template
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from predictor.access.callers import ANYBODY, Caller
from predictor.api.admission import is_public, may_see
from predictor.api.document import URLS, get_document
from predictor.api.shown import list_groups
from predictor.serving.service import service


@csrf_exempt  # So that other methods are refused as such.
@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    """Show every operation, with examples; where scripts run, each can be tried.

    Where descriptions are not public, visitors are asked to sign in.
    """
    user = getattr(request, "user", None)
    caller = Caller(user=user) if user is not None and user.is_authenticated else ANYBODY
    if not is_public() and not caller.is_known:
        return redirect_to_login(request.get_full_path(), reverse("sign_in"))
    prefix = settings.FORCE_SCRIPT_NAME.rstrip("/")
    address = request.build_absolute_uri(f"{prefix}/").rstrip("/")
    context = {
        "base": "base.html",
        "models": [version for version in service.list_live() if may_see(caller, version.model)],
        "groups": list_groups(get_document(caller).content, address),
        "prefix": prefix,
        "address": address,
        "document": reverse("openapi", URLS),
        # Only a session needs one, and making one sets a cookie.
        "csrf_token": get_token(request) if caller.is_known else "",
    }
    text = get_template("predictor/api_docs.html").render(context)
    return HttpResponse(text, charset="utf-8")
