"""Chooses the language of each page: the site's own or, where LANGUAGES offers several, the browser's."""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from predictor.languages import LANGUAGES, Language, reset_language, set_language, use_language


class LanguageMiddleware:
    """Renders what is behind it in the chosen language, which is what tells a page from the API and from commands."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        # predictor.checks refuses the others.
        known = [LANGUAGES[code] for code in settings.OFFERED_LANGUAGES if code in LANGUAGES] or [LANGUAGES["en"]]
        self.own = known[0]
        self.offered = {language.django_code: language for language in known}
        self.choose = lru_cache(maxsize=100)(self._choose)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(self.offered) == 1:
            former = set_language(self.own)
            try:
                return self.get_response(request)
            finally:
                reset_language(former)
        language = self.choose(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
        with use_language(language), translation.override(language.django_code):
            response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Language", language.tag)
            patch_vary_headers(response, ["Accept-Language"])
        return response

    def _choose(self, accepted: str) -> Language:
        """The offered language that a browser prefers, by its Accept-Language header; without any, the site's own."""
        # Checked with Django 5.2.19 (tests/test_insides.py).
        for code, _ in parse_accept_lang_header(accepted.lower()):
            if code == "*":
                break
            try:
                return self.offered[translation.get_supported_language_variant(code)]
            except LookupError:
                continue
        return self.own
