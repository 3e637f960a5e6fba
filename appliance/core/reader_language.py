"""The language in which somebody reads articles, which may be one that the screens do not have."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.utils.translation import get_language, get_language_info
from django.utils.translation.trans_real import parse_accept_lang_header

from appliance.core.fields import LANGUAGE_CONFIGS

_language: ContextVar[str] = ContextVar("reader_language", default="")


def get_reader_language() -> str:
    """Return the ISO 639-1 code: of the reader of this request, else of the active language."""
    return _language.get() or (get_language() or "en").partition("-")[0]


@contextmanager
def reading_in(language: str) -> Iterator[None]:
    """Let the block read in a language; an empty one is the active language."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def name_language(code: str) -> str:
    """Return the name of one of the nine languages in itself: Deutsch."""
    name = get_language_info(code)["name_local"]
    return name[:1].upper() + name[1:]


def find_browser_language(header: str) -> str:
    """Return the first of the nine languages in an Accept-Language header, or ""."""
    codes = (code.partition("-")[0] for code, _weight in parse_accept_lang_header(header))
    return next((code for code in codes if code in LANGUAGE_CONFIGS), "")
