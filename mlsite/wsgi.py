"""The WSGI application. With wrong settings it raises an error, so that the server does not start."""

import os

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from mlsite.structs import prepare_structs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")

application = get_wsgi_application()

# They load the views, and with them all that the site reads and writes.
problems = [message for message in checks.run_checks() if message.is_serious() and not message.is_silenced()]
if problems:
    raise ImproperlyConfigured("\n".join(str(problem) for problem in problems))

prepare_structs()
