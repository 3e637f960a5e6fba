"""Translations of articles, and the languages of articles."""

from collections.abc import Iterable
from datetime import date
from typing import Required, TypedDict, Unpack

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.files import services as files_services
from appliance.inference import languages
from appliance.knowledge.models import Article
from appliance.knowledge.services.articles import lock_article, write_article
from appliance.tickets.models import TicketCategory

MAX_ARTICLES_PER_RUN = 10_000


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


def recognise_languages() -> int:
    """Set the language of articles that have none, as far as their text shows it. How many.

    Each is a transaction of its own. Texts in other languages are looked at again every time.
    """
    unknown = Article.objects.filter(language="").order_by("pk")
    ids = list(unknown.values_list("pk", flat=True)[:MAX_ARTICLES_PER_RUN])
    return sum(recognise_language(article_id) for article_id in ids)


@transaction.atomic
def recognise_language(article_id: int) -> bool:
    """Set the language of an article that has none; return whether it was recognised."""
    article = Article.objects.filter(pk=article_id, language="").only("title", "content").first()
    if article is None:
        return False
    text = f"{article.title}\n{article.content}"
    language = languages.recognise(text, core_queries.desk_languages()).code
    if not language or _is_taken(article, language):
        return False
    cache.invalidate(cache.ARTICLES)
    return bool(Article.objects.filter(pk=article_id, language="").update(language=language))


def _is_taken(article: Article, language: str) -> bool:
    """Return whether a translation of the article is in the language."""
    return Article.objects.filter(original=article, language=language).exists()
