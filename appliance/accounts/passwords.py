"""Refuse passwords made of names that everybody who knows a person knows."""

import re
import unicodedata
from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import queries as core_queries

MIN_NAME_CHARACTERS = 3
MIN_OTHER_CHARACTERS = 6  # what remains of a password without names and digits
_DISGUISES = str.maketrans("013457@$!", "oieastasi")


class GuessableWordsValidator:
    """Refuse a password that is little else than names: of the person, the site, its domain."""

    def validate(self, password: str, user: User | None = None) -> None:
        texts = [_fold(password), _fold(password).translate(_DISGUISES)]
        names = sorted({*_names(user)}, key=len, reverse=True)
        for text in texts:
            remainder = text
            for name in names:
                remainder = remainder.replace(name, "")
            letters = re.sub(r"[\W\d_]", "", remainder)
            if remainder != text and len(letters) < MIN_OTHER_CHARACTERS:
                raise ValidationError(
                    _(
                        "The password is little more than a name of you, your organisation or this "
                        "help desk. Add words that have nothing to do with them."
                    ),
                    code="password_is_a_name",
                )

    def get_help_text(self) -> str:
        return _("Do not use your name, your organisation or the name of this help desk.")


def _names(user: User | None) -> Iterator[str]:
    """Yield the words of all names around the user, folded, and each name without its blanks."""
    sources = [core_queries.site_settings().name, core_queries.site_settings().base_url, "skerry"]
    if user:
        sources += [user.email, user.first_name, user.last_name]
        customer = getattr(user, "customer", None) if user.pk else None
        if customer:
            sources += [customer.claimed_organisation, str(customer.organisation or "")]
    for source in sources:
        words = [word for word in re.split(r"[\W_]+", _fold(source)) if word]
        for word in [*words, "".join(words)]:
            if len(word) >= MIN_NAME_CHARACTERS:
                yield word


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))
