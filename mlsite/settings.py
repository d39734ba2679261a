"""All settings, from the environment. A file .env in the project's root is read too; the environment wins.

This module must import with no variable set: Heroku runs collectstatic that way. predictor.checks.required_settings
finds what is missing or weak before anything serves or migrates.
"""

import os
from pathlib import Path

from django.conf import global_settings
from dotenv import load_dotenv

from mlsite.brand import find_image_origin
from mlsite.database import POSTGRES, find_url_problem, read_database
from predictor.languages import LANGUAGES as KNOWN_LANGUAGES
from predictor.memory import MEGABYTE, find_container_limit

BASE_DIR = Path(__file__).resolve().parent.parent
# predictor.checks reports why .env could not be read; without it, nothing else is run.
ENV_FILE_PROBLEM = ""
try:
    load_dotenv(BASE_DIR / ".env", override=False, encoding="utf-8-sig")
except (OSError, ValueError) as error:
    ENV_FILE_PROBLEM = f".env cannot be read ({error})."


def read_list(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def read_flag(name: str, default: str = "off") -> bool:
    return (os.environ.get(name, "").strip().lower() or default) in ("1", "true", "yes", "on")


def read_whole_number(name: str, default: int) -> int:
    """The whole number that is set; 0, which predictor.checks refuses, for anything else."""
    text = os.environ.get(name, "").strip() or str(default)
    return int(text) if text.isascii() and text.isdigit() else 0


def read_language() -> str:
    """The code that LANGUAGE names. Systems set it for other programs, too: en_GB:en, de_DE, which is left out here."""
    code = os.environ.get("LANGUAGE", "").strip().lower()
    return "en" if not code or "_" in code or ":" in code else code


# Deployment and keys

IS_LOCAL = os.environ.get("DEPLOYMENT") == "local"
IS_ON_DYNO = "DYNO" in os.environ
SECRET_KEY = os.environ.get("SECRET_KEY", "")
MODEL_SIGNING_KEY = os.environ.get("MODEL_SIGNING_KEY", "")
MODEL_SIGNING_KEY_FALLBACKS = read_list("MODEL_SIGNING_KEY_FALLBACKS")
HOST = os.environ.get("HOST", "")
# Heroku's router checks the Host header. Elsewhere only this machine may ask, until the site's names are set.
OWN_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]", *({HOST} - {"", "0.0.0.0", "::", "[::]"})]  # noqa: S104  # It is left out.
ALLOWED_HOSTS = read_list("ALLOWED_HOSTS") or (["*"] if IS_ON_DYNO else OWN_HOSTS)
DEBUG = False

# Models

MODELS_DIR = BASE_DIR / "ml_models"
# Empty where the first page is the home page.
DEFAULT_MODEL = os.environ.get("DEFAULT_MODEL") or "line"
if DEFAULT_MODEL == "none":
    DEFAULT_MODEL = ""
# The maximum size of one artifact in the database, compressed.
MODEL_MAX_MB = read_whole_number("MODEL_MAX_MB", 100)

# Whether superusers may make models of uploaded tables; those that there are work without it.
MODELS_FROM_UPLOADS = read_flag("MODELS_FROM_UPLOADS")

# The key by which sensitive inputs are hashed is derived from this, else from SECRET_KEY; former ones only find hashes.
INPUT_HASH_KEY = os.environ.get("INPUT_HASH_KEY", "")
INPUT_HASH_KEY_FALLBACKS = read_list("INPUT_HASH_KEY_FALLBACKS")
# How long predictions are kept, such as 365d, for `manage.py prune`; empty for ever. predictor.checks refuses others.
RETENTION = os.environ.get("RETENTION", "").strip()

# How long uploaded files and their results are kept: days, or as RETENTION. predictor.checks refuses others.
FILES_KEPT = os.environ.get("FILES_KEPT", "").strip() or "7"
# The most that all of them may take in the database: a quarter of Heroku's smallest PostgreSQL.
FILES_MAX_MB = read_whole_number("FILES_MAX_MB", 250)

# What a worker and the process of its job may have together; 0 is no limit. By default that of the dyno or container.
WORKER_MEMORY_MB = read_whole_number(
    "WORKER_MEMORY_MB", read_whole_number("DYNO_RAM", find_container_limit() // MEGABYTE)
)

# The scheduler of a Dask cluster for the large files of jobs, or empty. predictor.checks refuses what is none.
SCHEDULER_URL = os.environ.get("SCHEDULER_URL", "").strip()

# The folder for `manage.py archive`; empty where nothing is archived.
ARCHIVE_DIR = os.environ.get("ARCHIVE_DIR", "").strip()

# The sites whose pages may contain the forms; a recipe's embed_origins replace them for its model.
EMBED_ORIGINS = read_list("EMBED_ORIGINS")

# Who may see the forms and their pages, for models whose recipe does not say it; predictor.checks refuses others.
FORM_ACCESS = os.environ.get("FORM_ACCESS", "").strip().lower() or "public"

# The sites whose pages may call the API from a browser; its answers have headers for all of them.
API_ALLOWED_ORIGINS = read_list("API_ALLOWED_ORIGINS")
CORS_ALLOWED_ORIGINS = API_ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/(api/|invocations$)"
CORS_ALLOW_METHODS = ("GET", "HEAD", "POST", "PUT")
CORS_ALLOW_HEADERS = ("authorization", "content-encoding", "content-type", "idempotency-key", "if-none-match")
CORS_EXPOSE_HEADERS = ("Allow", "Content-Disposition", "ETag", "Retry-After", "X-Request-ID")

# Languages

# The site's own one, and those from which the visitor's browser chooses. predictor.checks refuses what is not known.
LANGUAGE = read_language()
OFFERED_LANGUAGES = list(dict.fromkeys([LANGUAGE, *map(str.lower, read_list("LANGUAGES"))]))
# What Django makes of them.
offered = [KNOWN_LANGUAGES[code] for code in OFFERED_LANGUAGES if code in KNOWN_LANGUAGES] or [KNOWN_LANGUAGES["en"]]
LANGUAGE_CODE = offered[0].django_code
LANGUAGES = [(language.django_code, language.name) for language in offered]
LOCALE_PATHS = [BASE_DIR / "locale"]
# A site in English alone looks nothing up.
USE_I18N = offered != [KNOWN_LANGUAGES["en"]]

# Who may predict by the API: "public" is everybody, "keys" whoever has a key, and empty what the database says
# (predictor.access.callers). predictor.checks refuses others.
API_ACCESS = os.environ.get("API_ACCESS", "").strip() or ("public" if IS_LOCAL else "")

# Visitors

# Whether answers can be tried out with other inputs, without anything being stored.
TRIALS = read_flag("TRIALS", "on")
# Whether programs may do so by the API.
TRIALS_API = read_flag("TRIALS_API")
# Whether an answer's page says, on demand, why it is what it is.
REASONS = read_flag("REASONS", "on")
# Whether a cookie lists the answers that a browser got last.
OWN_HISTORY = read_flag("OWN_HISTORY", "on")
# Whether whoever may use a form may also upload a file, to have all of its rows answered.
FILES = read_flag("FILES", "on")
# Whether visitors may report what really happened.
VISITOR_REPORTS = read_flag("VISITOR_REPORTS")

# How many rows may be predicted for an API key, and for an address that has none; such as 600/minute, or off.
# predictor.checks refuses others.
RATE_LIMIT_KEY = os.environ.get("RATE_LIMIT_KEY", "").strip() or ("off" if IS_LOCAL else "60000/minute")
RATE_LIMIT_ADDRESS = os.environ.get("RATE_LIMIT_ADDRESS", "").strip() or ("off" if IS_LOCAL else "6000/minute")

# The site's own name, logo, colours and links; predictor.checks.brand refuses what cannot be shown

SITE_NAME = os.environ.get("SITE_NAME", "").strip() or "mlsite"
# An https:// address, or a file in static/.
LOGO = os.environ.get("LOGO", "").strip()
# For the light theme and, after a comma, for the dark one.
ACCENT_COLOR = os.environ.get("ACCENT_COLOR", "").strip()
FOOTER_TEXT = os.environ.get("FOOTER_TEXT", "").strip()
IMPRINT_URL = os.environ.get("IMPRINT_URL", "").strip()
PRIVACY_URL = os.environ.get("PRIVACY_URL", "").strip()

# Application

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "predictor",
]
MIDDLEWARE = [
    "mlsite.logs.name_request",
    "predictor.web.telemetry.TelemetryMiddleware",
    # Also of the headers of errors. A site that allows no other's pages does without.
    *(["corsheaders.middleware.CorsMiddleware"] if API_ALLOWED_ORIGINS else []),
    "mlsite.proxies.check_address",
    "django.middleware.security.SecurityMiddleware",
    # Requests to the API go no further.
    "predictor.api.middleware.ApiMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "predictor.web.languages.LanguageMiddleware",
    "mlsite.middleware.content_security_policy",
    "predictor.web.errors.ErrorPagesMiddleware",
    "mlsite.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "mlsite.middleware.StaffMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "mlsite.urls"
# The site's path prefix belongs to the process, never to a request: addresses are cached for all visitors.
FORCE_SCRIPT_NAME = os.environ.get("SCRIPT_NAME", "")
WSGI_APPLICATION = "mlsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"environment": "predictor.web.jinja.Environments"},
    },
    {
        # The admin's.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
TIME_ZONE = "UTC"
USE_TZ = True
# Whose hours the schedules mean; predictor.checks reports what is not one.
SCHEDULE_TIME_ZONE = os.environ.get("SCHEDULE_TIME_ZONE", "").strip() or "UTC"
# Django's own, but the first one can hash in a real thread.
PASSWORD_HASHERS = ["predictor.access.hashing.PasswordHasher", *global_settings.PASSWORD_HASHERS[1:]]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Database

# How many connections the requests of one process share; 0 gives each thread one of its own. gunicorn.conf.py sets it.
DATABASE_POOL_SIZE = read_whole_number("DATABASE_POOL_SIZE", 0)
# After how long PostgreSQL gives up a statement; 0 is never, as commands need it. gunicorn.conf.py sets it.
DATABASE_STATEMENT_SECONDS = read_whole_number("DATABASE_STATEMENT_SECONDS", 0)
database_url = os.environ.get("DATABASE_URL", "").strip()
# predictor.checks reports it, and nothing else is run.
DATABASE_URL_PROBLEM = find_url_problem(database_url) if database_url else ""
database = read_database("sqlite://:memory:" if DATABASE_URL_PROBLEM else database_url, BASE_DIR / "db.sqlite3")
DATABASES = {"default": database}
if database["ENGINE"] == POSTGRES:
    options = database.setdefault("OPTIONS", {})
    # A server that does not answer must become a 503 before the router gives up at 30 s.
    options.setdefault("connect_timeout", 5)
    options.setdefault("tcp_user_timeout", 10_000)
    if DATABASE_STATEMENT_SECONDS:
        # Sent when connecting, so that no connection is without it. A later SET would persist in a pooler such as
        # PgBouncer, and apply to the next client of the connection: a retrain. Options in the URL come last, and win.
        limit = f"-c statement_timeout={DATABASE_STATEMENT_SECONDS}s"
        options["options"] = f"{limit} {options.get('options', '')}".strip()
    if DATABASE_POOL_SIZE:
        database |= {"ENGINE": "mlsite.pooled", "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    if IS_ON_DYNO:
        # Not dj-database-url's ssl_require, which would replace a stricter mode in the URL by this one.
        options.setdefault("sslmode", "require")

# Static files

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Pages name no others, and compressing takes seconds.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Security

# The proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted: addresses, networks, or * on a dyno.
# gunicorn.conf.py reads it too.
FORWARDED_ALLOW_IPS = read_list("FORWARDED_ALLOW_IPS")
# Which entries of X-Forwarded-For are further proxies of the site's own: their networks, or how many add an entry.
TRUSTED_PROXIES = read_list("TRUSTED_PROXIES")
SECURE_SSL_REDIRECT = not IS_LOCAL
# Load balancers and monitors ask for these by any Host and over plain HTTP.
HEALTH_PATHS = {"/healthz", "/readyz", "/ping", "/health"}
# mlsite.proxies refuses what comes to the API over plain HTTP: a redirect would turn its POST into a GET.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^ping$", r"^health$", r"^api/", r"^invocations$"]
SECURE_HSTS_SECONDS = 0 if IS_LOCAL else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = read_flag("HSTS_INCLUDE_SUBDOMAINS")
SECURE_HSTS_PRELOAD = read_flag("HSTS_PRELOAD")
# Browsers accept a cookie with this prefix only over HTTPS and from this host: no other host of the domain can set it.
COOKIE_PREFIX = "" if IS_LOCAL else "__Host-"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
SESSION_COOKIE_SECURE = not IS_LOCAL
# A session ends a day after it was used (mlsite.middleware).
SESSION_COOKIE_AGE = 24 * 3600
# Where the sign-in page sends those whose `next` is missing or refused.
LOGIN_REDIRECT_URL = "admin:index"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_SECURE = not IS_LOCAL
CSRF_COOKIE_HTTPONLY = True
OWN_ANSWERS_COOKIE_NAME = f"{COOKIE_PREFIX}answers"
# Other addresses of this site's own pages, such as https://example.com, where a proxy changes the Host header.
CSRF_TRUSTED_ORIGINS = read_list("CSRF_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "predictor.web.errors.show_csrf_failure"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # includeSubDomains would bind every other host of a custom domain: a setting, off.
    "security.W021",  # preload cannot be taken back for months: a setting, off.
]
image_sources = f"'self' {find_image_origin(LOGO)}".strip()
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
    f" img-src {image_sources}; script-src 'self'; style-src 'self'"
)
# The maximum size of a form's body; the server reads no more, and predictor.web.bounds allows less for most models.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
# The maximum size of a file that is uploaded. Its request's body has other fields too, and the file's name.
UPLOAD_MAX_MB = read_whole_number("UPLOAD_MAX_MB", 50)
UPLOAD_MAX_BYTES = UPLOAD_MAX_MB * 1_000_000
UPLOAD_MAX_BODY_BYTES = UPLOAD_MAX_BYTES + 64 * 1024
# A model may have thousands of fields: predictor.web.bounds counts them by its schema, before they are parsed.
DATA_UPLOAD_MAX_NUMBER_FIELDS = None
# Only the admin has messages, and its users have sessions. In a cookie they would be quoted, which bounds drops.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Logs: one line for each record, with the id that Heroku's router gives a request

# Alerts, where a model's state changes. The webhook also gets promotions and versions that were kept back.

ALERT_EMAILS = read_list("ALERT_EMAILS")
ALERT_WEBHOOK = os.environ.get("ALERT_WEBHOOK", "").strip()
ALERT_WEBHOOK_SECRET = os.environ.get("ALERT_WEBHOOK_SECRET", "").strip()
EMAIL_HOST = os.environ.get("EMAIL_HOST", "").strip()
given_port = os.environ.get("EMAIL_PORT", "").strip() or "587"
# 0, which predictor.checks refuses, where it is no number.
EMAIL_PORT = int(given_port) if given_port.isdecimal() else 0
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "").strip()
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL = EMAIL_PORT == 465
EMAIL_USE_TLS = EMAIL_PORT not in (25, 465)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "").strip() or "mlsite@localhost"

# "line" or "json"; predictor.checks refuses others.
LOG_FORMAT = os.environ.get("LOG_FORMAT", "").strip() or "line"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "mlsite.logs.LineFormatter"}, "json": {"()": "mlsite.logs.JsonFormatter"}},
    "filters": {"not_too_many": {"()": "mlsite.logs.TooManyFilter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT if LOG_FORMAT == "json" else "line"},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.request": {"filters": ["not_too_many"]},
        "django.server": {"handlers": [], "propagate": True},
        # On SQLite it warns of each HEAD, whose body Django leaves to the server to drop, and of nothing else.
        "gunicorn.http.wsgi": {"level": "ERROR"},
    },
}
