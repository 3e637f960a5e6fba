"""Articles as a ZIP of Markdown files, which the import reads back."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress

from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import User
from appliance.core.zip_stream import Entry, stream_zip
from appliance.files import queries as files_queries
from appliance.knowledge.image_references import renamed
from appliance.knowledge.models import Article
from appliance.knowledge.queries import list_articles
from appliance.knowledge.services.files import refuse_unless_writer

HEAD = ("title", "key", "category", "status", "audience", "review_on", "files")


def export_articles(*, by: User, **filters: object) -> Iterator[bytes]:
    """The ZIP piece by piece; ``filters`` as for ``list_articles``."""
    refuse_unless_writer(by)
    articles = list_articles(by, **filters).defer(None).defer("search_vector")
    return stream_zip(_entries(articles))


def as_markdown(article: Article, folder: str = "", names: Iterable[str] = ()) -> str:
    """Front matter and text of one article; ``folder`` is where its files lie beside it."""
    values = {
        "title": article.title,
        "key": article.external_key or f"article-{article.pk}",
        "category": article.category.slug if article.category else "",
        "status": article.status,
        "audience": article.audience,
        "review_on": article.review_on.isoformat() if article.review_on else "",
        "files": folder,
    }
    head = "".join(f"{name}: {_in_one_line(values[name])}\n" for name in HEAD if values[name])
    content = renamed(article.content, {name: f"{folder}/{name}" for name in names})
    return f"---\n{head}---\n\n{content.strip()}\n"


def _entries(articles: QuerySet[Article]) -> Iterator[Entry]:
    """Yield each article as Markdown, followed by its files as far as the disk has them."""
    for article in articles.iterator(chunk_size=100):
        files = list(article.files.select_related("file"))
        folder = f"{article.pk}-files" if files else ""
        text = as_markdown(article, folder, [row.name for row in files])
        yield _file_name(article), [text.encode()]
        for row in files:
            with suppress(Http404), files_queries.open_file(row.file) as file:
                yield f"{folder}/{row.name}", [file.read()]


def _file_name(article: Article) -> str:
    plain = unicodedata.normalize("NFKD", article.title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60]
    return f"{article.pk}-{words}.md" if words else f"{article.pk}.md"


def _in_one_line(text: str) -> str:
    text = " ".join(text.split())
    return f'"{text}"' if text[:1] in "\"'" else text
