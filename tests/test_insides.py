"""Parts of other packages that are not documented, and that requests and trainings rely on.

Each was read in the version that CHECKED names, and so does a comment where it is relied on. A test fails once the
installed source is another one: read it again, try what relies on it, and then write the new digest and version.
"""

import hashlib
import inspect
import pkgutil
import re
from importlib import metadata, resources

import pytest
from django.core.signals import request_finished, request_started
from django.forms import Select, TextInput
from django.forms.renderers import Jinja2
from django.template.loader import get_template
from gunicorn.config import Config

from tests.conftest import ROOT

CHECKED = {"gunicorn": "27.0.1", "psycogreen": "1.0.2", "Django": "5.2.19", "Jinja2": "3.1.6", "scikit-learn": "1.9.1"}
IMPORTED_AS = {"sklearn": "scikit-learn"}

# Where it is relied on, and the SHA-256 (its beginning) of the source.
INSIDES = {
    "mlsite/worker.py": {
        "gunicorn.config:Config.__getattr__": "ff80f0fbda2e",
        "gunicorn.config:Config.__setattr__": "6edbf4cc937a",
        "gunicorn.workers.base:Worker.handle_error": "75426448389b",
        "gunicorn.workers.base:Worker.handle_exit": "e2f7159c426d",
        "gunicorn.workers.base_async:AsyncWorker.handle": "6eb3b127e6ba",
        "gunicorn.workers.base_async:AsyncWorker.handle_request": "913e17a9542a",
        "gunicorn.workers.ggevent:GeventWorker.init_process": "c8f6804aeb44",
        "gunicorn.workers.ggevent:GeventWorker.run": "50119854ef8b",
        "gunicorn.workers.ggevent:GeventWorker.handle": "0ea41a122964",
        "gunicorn.workers.ggevent:GeventWorker.handle_request": "46750b15c6e4",
        "gunicorn.workers.ggevent:GeventWorker.timeout_ctx": "8239bec284f0",
        "gunicorn.util:write_error": "bd0143a03c15",
        "gunicorn.util:write_nonblock": "d2ff97701c36",
        "psycogreen.gevent:gevent_wait_callback": "d59dc184b20b",
        "django.db:close_old_connections": "c352dd45e833",
        "django.db:reset_queries": "9989bcde56b2",
        "django.conf:LazySettings": "118fc900a79c",
        "django.utils.functional:LazyObject.__getattribute__": "598a9e559fcc",
        "django.core.cache:close_caches": "abe7badf0640",
        "django.core.handlers.base:reset_urlconf": "7ad5ce3f320f",
        "django.db.backends.base.base:BaseDatabaseWrapper.close_if_unusable_or_obsolete": "9e0690a760eb",
    },
    "mlsite/threads.py": {
        "gunicorn.workers.gthread:TConn": "e3a2878ba952",
        "gunicorn.workers.gthread:ThreadWorker.init_process": "e4fc63a1a68e",
        "gunicorn.workers.gthread:ThreadWorker.run": "f92c7394d857",
        "gunicorn.workers.gthread:ThreadWorker.is_parent_alive": "3517612f7763",
        "gunicorn.workers.gthread:ThreadWorker.set_accept_enabled": "140150ebfd3c",
        "gunicorn.workers.gthread:ThreadWorker.accept": "f8dcead3dce5",
        "gunicorn.workers.gthread:ThreadWorker.enqueue_req": "c9f428953d24",
        "gunicorn.workers.gthread:ThreadWorker.on_client_socket_readable": "aead1a3ea7b7",
        "gunicorn.workers.gthread:ThreadWorker.handle": "ca85c9be3df7",
        "gunicorn.workers.gthread:ThreadWorker.handle_request": "6d0de5b91910",
        "gunicorn.workers.gthread:ThreadWorker.finish_request": "616e7bb15a00",
        "gunicorn.workers.gthread:ThreadWorker.murder_keepalived": "4459960c4ccc",
        "gunicorn.workers.gthread:ThreadWorker.murder_pending": "7bf11f464542",
    },
    "mlsite/clients.py": {
        "gunicorn.http.wsgi:Response.send_headers": "7aff3b7d004f",
        "gunicorn.http.wsgi:Response.write": "a13659ff072c",
        "gunicorn.http.wsgi:Response.sendfile": "417ea65fb9a1",
        "gunicorn.http.wsgi:Response.close": "1e78fc7777ff",
        "gunicorn.util:write": "cd995031295f",
    },
    "mlsite/arrival.py": {
        "gunicorn.http.parser:Parser.__next__": "b8536520e958",
        "gunicorn.http.message:Message.__init__": "14b64a40f29f",
        "gunicorn.http.message:Message.set_body_reader": "e3ba33f5ac7c",
        "gunicorn.http.message:Message.force_close": "656092cce3c3",
        "gunicorn.http.message:Request.parse": "34c084607ae1",
        "gunicorn.http.message:Request.read_into": "3f959e4da304",
        "gunicorn.http.body:LengthReader": "3b01bc7c21a2",
        "gunicorn.http.body:ChunkedReader.__init__": "74626d236eb5",
        "gunicorn.http.body:Body.__init__": "db5ff256b7b9",
        "gunicorn.http.unreader:Unreader": "84aaa8f91fcd",
        "gunicorn.http.unreader:SocketUnreader": "786a257be09e",
        "gunicorn.http.wsgi:create": "2c35d4a2dc62",
    },
    "mlsite/refusals.py": {
        "gunicorn.workers.base:Worker.handle_error": "75426448389b",
        "gunicorn.util:write_error": "bd0143a03c15",
        "gunicorn.util:write_nonblock": "d2ff97701c36",
    },
    "mlsite/assembly.py": {
        "gunicorn.util:split_request_uri": "6c113a84201f",
    },
    "mlsite/middleware.py": {
        "django.utils.deprecation:MiddlewareMixin.__call__": "337be048dd62",
        "django.contrib.sessions.middleware:SessionMiddleware": "81dfc7bdab25",
        "django.contrib.auth.middleware:AuthenticationMiddleware": "016788fb7214",
        "django.contrib.messages.middleware:MessageMiddleware": "68bbf99a11d6",
        "django.middleware.common:CommonMiddleware": "0a9411bc1510",
    },
    "mlsite/proxies.py": {
        "django.utils.log:log_response": "9e4646dc28f9",
    },
    "mlsite/pooled/base.py": {
        "django.db.backends.base.base:BaseDatabaseWrapper.connect": "65ad70c3f9c2",
        "django.db.backends.base.base:BaseDatabaseWrapper.close": "273787740ca0",
        "django.db.backends.base.base:BaseDatabaseWrapper._close": "d1a3f0e9a11c",
        "django.db.backends.postgresql.base:DatabaseWrapper.get_new_connection": "acc4e253c2e3",
    },
    "mlsite/sqlite3/base.py": {
        "django.db.backends.sqlite3.base:DatabaseWrapper.get_new_connection": "99ddcd001213",
    },
    "predictor/access/hashing.py": {
        "django.contrib.auth.hashers:PBKDF2PasswordHasher": "982084b01c64",
    },
    "predictor/training/vectorising.py": {
        "sklearn.feature_extraction.text:CountVectorizer._sort_features": "ecfe70d0681c",
        "sklearn.feature_extraction.text:CountVectorizer._limit_features": "541a4f03c47b",
        "sklearn.feature_extraction.text:CountVectorizer.fit_transform": "e14c5dc5af26",
    },
    "predictor/web/bounds.py": {
        "django.http.request:HttpRequest.body.fget": "6bc745122420",
        "django.http.request:HttpRequest._load_post_and_files": "651706c4c9ac",
    },
    "predictor/web/file_pages/bodies.py": {
        "django.http.request:HttpRequest.parse_file_upload": "a67e10709aa1",
        "django.http.request:HttpRequest.read": "c1ce7c1a97f2",
        "django.http.request:HttpRequest._load_post_and_files": "651706c4c9ac",
    },
    "predictor/web/jinja.py": {
        "jinja2.environment:Environment.make_globals": "b6eb9ef15eae",
        "jinja2.runtime:new_context": "4578768842ae",
        "jinja2.ext:InternationalizationExtension.parse": "811cbb97afc2",
        "jinja2.ext:InternationalizationExtension._make_node": "4fabf8e6ef20",
    },
    "predictor/web/languages.py": {
        "django.utils.translation.trans_real:parse_accept_lang_header": "f7cba459cc9f",
    },
    "predictor/web/origins.py": {
        "django.middleware.csrf:CsrfViewMiddleware": "461e7a1110de",
    },
    "predictor/web/pieces.py": {
        "django/forms/jinja2/django/forms/widgets/attrs.html": "fc9d8ff803a9",
        "django/forms/jinja2/django/forms/widgets/input.html": "bb5d9f65d7be",
        "django/forms/jinja2/django/forms/widgets/select.html": "112c83cdb2d3",
        "django/forms/jinja2/django/forms/widgets/select_option.html": "b4d6b50f71bc",
    },
}
each_inside = pytest.mark.parametrize(
    ("place", "name", "digest"),
    [(place, name, digest) for place, insides in INSIDES.items() for name, digest in insides.items()],
)


def find_package(name):
    module = re.split(r"[./:]", name)[0]
    return IMPORTED_AS.get(module) or next(each for each in CHECKED if each.lower() == module)


def read_source(name):
    if name.endswith(".html"):
        package, _, path = name.partition("/")
        return resources.files(package).joinpath(path).read_text()
    return inspect.getsource(pkgutil.resolve_name(name))


@each_inside
def test_each_inside_is_as_it_was_when_it_was_checked(place, name, digest):
    package = find_package(name)
    found = hashlib.sha256(read_source(name).encode()).hexdigest()[:12]
    assert found == digest, (
        f"{name} is not what it was in {package} {CHECKED[package]} (installed: {metadata.version(package)}):"
        f" see whether {place} still works with it, then write {found!r} and the version here and there"
    )


@pytest.mark.parametrize("place", INSIDES)
def test_each_place_names_the_versions_that_it_was_checked_with(place):
    named = set(re.findall(r"Checked with ([\w-]+) ([\d.]*\d)", (ROOT / place).read_text()))
    relied_on = {find_package(name) for name in INSIDES[place]}
    assert named == {(package, CHECKED[package]) for package in relied_on}


def test_what_is_put_into_gunicorns_settings_is_what_they_are_read_from():
    settings = Config()
    settings.__dict__.update({"keepalive": 7})
    assert settings.keepalive == 7


def test_django_does_nothing_around_a_request_but_what_is_forgotten():
    names = {
        receiver.__qualname__
        for signal in (request_started, request_finished)
        for receiver in signal._live_receivers(sender=None)[0]
    }
    assert names == {"close_old_connections", "reset_queries", "close_caches", "reset_urlconf"}


@pytest.mark.parametrize(
    ("widget", "value", "markup"),
    [
        (Select(choices=[('a "', "A")]), "", '<option value="a &#34;">A</option>'),
        (Select(choices=[('a "', "A")]), 'a "', '<option value="a &#34;" selected>A</option>'),
        (TextInput(), "5", '<input type="text" name="x" value="5">'),
        (TextInput(), "", '<input type="text" name="x">'),
    ],
)
def test_a_value_is_written_where_forms_are_filled_in(widget, value, markup):
    assert markup in widget.render("x", value, renderer=Jinja2())


def test_what_all_templates_know_is_one_dict():
    assert type(get_template("base.html").template.globals) is dict
