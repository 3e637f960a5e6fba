"""Export articles as a ZIP archive of Markdown files, which can be imported again."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Unpack

import yaml
from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import User
from appliance.core import audit
from appliance.core.zip_stream import Entry, stream_zip
from appliance.files import queries as files_queries
from appliance.knowledge.models import Article
from appliance.knowledge.queries import ArticleFilters, list_articles
from appliance.knowledge.services.articles import require_writer
from appliance.knowledge.services.attachments import rename_image_references


def export_articles(*, by: User, **filters: Unpack[ArticleFilters]) -> Iterator[bytes]:
    """Yield the archive in pieces. Raises ForbiddenError unless ``by`` may write articles."""
    require_writer(by)
    articles = list_articles(by, with_translations=True, **filters).defer(None)
    articles = articles.defer("search_vector", "original__content", "original__search_vector")
    audit.record_export(by=by, kind="articles", name="ZIP")
    return stream_zip(_entries(articles))


def as_markdown(article: Article, folder: str = "", names: Iterable[str] = ()) -> str:
    """Return front matter and content of an article.

    ``folder`` holds its files, whose ``names`` the content refers to.
    """
    fields = {
        "title": article.title,
        "key": _key_of(article),
        "language": article.language,
        "translation_of": _key_of(article.original) if article.original else "",
        "category": article.category.slug if article.category else "",
        "status": article.status,
        "audience": article.audience,
        "review_on": article.review_on.isoformat() if article.review_on else "",
        "files": folder,
    }
    front_matter = yaml.safe_dump(
        {name: value for name, value in fields.items() if value},
        allow_unicode=True,
        sort_keys=False,
        width=10_000,
    )
    paths = {name: f"{folder}/{name}" for name in names}
    content = rename_image_references(article.content, paths)
    return f"---\n{front_matter}---\n\n{content.strip()}\n"


def _key_of(article: Article) -> str:
    return article.external_key or f"article-{article.pk}"


def _entries(articles: QuerySet[Article]) -> Iterator[Entry]:
    """Yield each article as Markdown, followed by its files as far as the disk has them."""
    for article in articles.iterator(chunk_size=100):
        files = list(article.files.select_related("file"))
        folder = f"{article.pk}-files" if files else ""
        text = as_markdown(article, folder, [file.name for file in files])
        yield _file_name(article), [text.encode()]
        for article_file in files:
            with suppress(Http404), files_queries.open_file(article_file.file) as file:
                yield f"{folder}/{article_file.name}", [file.read()]


def _file_name(article: Article) -> str:
    plain = unicodedata.normalize("NFKD", article.title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60]
    return f"{article.pk}-{words}.md" if words else f"{article.pk}.md"
