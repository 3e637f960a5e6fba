"""Translations of articles, and their languages."""

from collections.abc import Iterable
from datetime import date
from typing import Required, TypedDict, Unpack

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import cache
from appliance.files import services as files_services
from appliance.knowledge.models import Article
from appliance.knowledge.services.articles import lock_article, write_article
from appliance.tickets.models import TicketCategory


class TranslationProperties(TypedDict, total=False):
    """What a translation has besides its text; the rest is as its original has it."""

    language: Required[str]
    category: TicketCategory | None
    status: Article.Status
    audience: Article.Audience
    owner: User | None
    review_on: date | None


@files_services.atomic()
def write_translation(
    *,
    original: Article,
    by: User,
    title: str,
    content: str,
    note: str = "",
    files: Iterable[UploadedFile] = (),
    **properties: Unpack[TranslationProperties],
) -> Article:
    """Create a translation of the newest version of an article; of a translation, its original's.

    It begins with the votes of the original, which count for the whole group. Raises BadInputError
    if there is one in this language.
    """
    source = lock_article(original.original or original)
    properties.setdefault("category", source.category)
    properties.setdefault("audience", Article.Audience(source.audience))
    article = write_article(
        by=by,
        title=title,
        content=content,
        note=note or _("Translation of “%(title)s”.") % {"title": source.title[:120]},
        files=files,
        original=source,
        original_version=source.version,
        **properties,
    )
    article.helpful, article.unhelpful = source.helpful, source.unhelpful
    article.save(update_fields=["helpful", "unhelpful"])
    return article


def set_recognised_language(*, article: Article, language: str) -> bool:
    """Set the language of an article that has none; return whether it did.

    A translation of it may be in that language: then it keeps none.
    """
    if Article.objects.filter(original=article, language=language).exists():
        return False
    cache.invalidate(cache.ARTICLES)
    return bool(Article.objects.filter(pk=article.pk, language="").update(language=language))
