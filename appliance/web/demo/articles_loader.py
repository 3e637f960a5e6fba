"""What the people of the demo desk send along, drawn and written here."""

import struct
import zlib
from datetime import timedelta
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from appliance.accounts.models import User
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets.models import Ticket, TicketCategory

WIDTH, HEIGHT = 360, 120
TEXTS = {
    "panel.txt": "11:04 LINK SAT\n11:05 MANIFEST queued 188\n11:06 MANIFEST retry 1\n"
    "11:16 MANIFEST retry 2\n11:29 MANIFEST retry 3, held\n",
    "puffin-export.txt": "Puffin 5.2 export\nTraceback: line 812 in write_batch\n"
    "KeyError: 'unit' in result 48 of 130\nnothing written\n",
}


def make_file(name: str) -> SimpleUploadedFile:
    if name == "wristband":
        return SimpleUploadedFile("wristband.png", _wristband(), "image/png")
    return SimpleUploadedFile(name, TEXTS[name].encode(), "text/plain")


def _wristband() -> bytes:
    """A band whose bars stop half-way, as the printer left it."""
    rows = (_bars(y) if 30 <= y < 90 else bytes([235]) * WIDTH for y in range(HEIGHT))
    return _png(b"".join(b"\0" + row for row in rows))


def _bars(y: int) -> bytes:
    reach = WIDTH - 40 - 3 * abs(60 - y)  # torn off slantwise
    return bytes(40 if 30 < x < reach and x * x % 23 < 9 else 235 for x in range(WIDTH))


def _png(rows: bytes) -> bytes:
    """Eight bits of grey a dot."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ARTICLES = Path(__file__).parent / "articles"
GREW = {"account-locked", "printer-queue-stuck", "vpn-no-connect"}  # their last part came later
REVIEW_IN_DAYS = {"usb-stick-policy": -12, "second-factor-new-token": -3, "parking-and-bikes": 40}
ILLUSTRATED = ("barcode-scanner-wristband", "wristband")
# article → votes of its readers, in turn: y helped, n did not
VOTES = {
    "printer-queue-stuck": "yyyyyyn",
    "reset-your-password": "yyyyyyyy",
    "account-locked": "yyyyn",
    "kestrel-slow": "nnynn",
    "wifi-on-ward": "nynn",
    "vpn-no-connect": "yyny",
}
SAID = {
    "kestrel-slow": "I did all five steps and it is as slow as before.",
    "wifi-on-ward": "Which of the three networks is meant?",
    "reset-your-password": "Two minutes, thank you.",
}


def read_article(path: Path) -> dict[str, str]:
    """Front matter and Markdown of one file: title, category slug and perhaps more, and content."""
    _, head, body = path.read_text().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    return {**fields, "content": body.strip()}


def load(*, author: User, readers: list[User | None]) -> dict[str, Article]:
    """Create missing articles, keyed by file name, with their later history."""
    known = set(Article.objects.values_list("title", flat=True))
    categories = {category.slug: category for category in TicketCategory.objects.all()}
    values = {}
    for path in sorted(ARTICLES.glob("*.md")):
        row = read_article(path)
        if row["title"] not in known:
            values[path.stem] = _write(path.stem, row, categories, author)
            _vote(path.stem, values[path.stem], readers)
    return values


def tie(articles: dict[str, Article], answered: dict[str, str], tickets: dict[str, Ticket]) -> None:
    """What was sent on the tickets of the past: key of a ticket → name of an article."""
    for key, name in answered.items():
        ticket, article = tickets.get(key), articles.get(name)
        if ticket and article and ticket.assignee:
            knowledge_services.link_ticket(
                article=article, ticket=ticket, by=ticket.assignee, how=ArticleLink.How.SENT
            )


def _write(
    name: str, row: dict[str, str], categories: dict[str, TicketCategory], author: User
) -> Article:
    content, days = row["content"], REVIEW_IN_DAYS.get(name)
    files = []
    if name == ILLUSTRATED[0]:
        files = [make_file(ILLUSTRATED[1])]
        content += f"\n\n![A band whose bars stop half-way]({ILLUSTRATED[1]}.png)"
    article = knowledge_services.write_article(
        by=author,
        title=row["title"],
        content=content.rsplit("\n## ", 1)[0].rstrip() if name in GREW else content,
        category=categories.get(row["category"]),
        status=row.get("status", Article.Status.PUBLISHED),
        audience=row.get("audience", Article.Audience.PUBLIC),
        review_on=timezone.localdate() + timedelta(days=days) if days else None,
        files=files,
    )
    if name in GREW:
        part = content.rsplit("\n## ", 1)[1].split("\n", 1)[0]
        knowledge_services.edit_article(
            article=article,
            by=author,
            title=article.title,
            content=content,
            note=f"Added: {part}",
            seen_at=article.updated_at,
        )
    return article


def _vote(name: str, article: Article, readers: list[User | None]) -> None:
    votes = list(zip(readers, VOTES.get(name, ""), strict=False))
    for n, (reader, values) in enumerate(votes):
        comment = SAID.get(name, "") if n == 0 else ""
        knowledge_services.vote(
            article=article,
            by=reader,
            session=f"demo {n}",
            is_helpful=values == "y",
            comment=comment,
        )
