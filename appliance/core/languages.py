"""The languages a text can be recognised in, with their names in the language of the reader."""

from collections.abc import Collection

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Language(TextChoices):
    """The values are ISO 639-1 codes, in the order of ``inference.languages.LANGUAGES``."""

    ENGLISH = "en", _("English")
    GERMAN = "de", _("German")
    FRENCH = "fr", _("French")
    SPANISH = "es", _("Spanish")
    ITALIAN = "it", _("Italian")
    DUTCH = "nl", _("Dutch")
    POLISH = "pl", _("Polish")
    PORTUGUESE = "pt", _("Portuguese")
    SWEDISH = "sv", _("Swedish")


LANGUAGE_NAMES = dict(Language.choices)


def sort_languages(codes: Collection[str]) -> list[str]:
    """Return the known ones among the codes, each once, in the order of ``Language``."""
    return [language.value for language in Language if language in codes]


def list_names(codes: Collection[str]) -> list[str]:
    """Return the names of languages in the active language; an unknown code stands for itself."""
    return [str(LANGUAGE_NAMES.get(code, code)) for code in codes]
