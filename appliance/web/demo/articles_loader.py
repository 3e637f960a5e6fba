"""Articles of the demo help desk, and the files attached to its articles and tickets."""

import struct
import zlib
from datetime import timedelta
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from appliance.accounts.models import User
from appliance.knowledge import front_matter
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.import_formats import COLUMNS
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets.models import Ticket, TicketCategory

ARTICLES = Path(__file__).parent / "articles"
EXTENDED = {"account-locked", "printer-queue-stuck", "vpn-no-connect"}  # last section added later
REVIEW_IN_DAYS = {"usb-stick-policy": -12, "second-factor-new-token": -3, "parking-and-bikes": 40}
ARTICLE_WITH_IMAGE, IMAGE = "barcode-scanner-wristband", "wristband"
# the votes of the readers in turn: y helpful, n not helpful
VOTES = {
    "printer-queue-stuck": "yyyyyyn",
    "reset-your-password": "yyyyyyyy",
    "account-locked": "yyyyn",
    "kestrel-slow": "nnynn",
    "wifi-on-ward": "nynn",
    "vpn-no-connect": "yyny",
}
# the comment of the first vote
COMMENTS = {
    "kestrel-slow": "I did all five steps and it is as slow as before.",
    "wifi-on-ward": "Which of the three networks is meant?",
    "reset-your-password": "Two minutes, thank you.",
}
TEXT_FILES = {
    "panel.txt": "11:04 LINK SAT\n11:05 MANIFEST queued 188\n11:06 MANIFEST retry 1\n"
    "11:16 MANIFEST retry 2\n11:29 MANIFEST retry 3, held\n",
    "puffin-export.txt": "Puffin 5.2 export\nTraceback: line 812 in write_batch\n"
    "KeyError: 'unit' in result 48 of 130\nnothing written\n",
}
WIDTH, HEIGHT = 360, 120  # of the image, in pixels


def load(*, author: User, readers: list[User | None]) -> dict[str, Article]:
    """Create missing articles, by file name, with their later versions and votes."""
    existing_titles = set(Article.objects.values_list("title", flat=True))
    categories = {category.slug: category for category in TicketCategory.objects.all()}
    articles = {}
    for path in sorted(ARTICLES.glob("*.md")):
        fields = read_article(path)
        if fields["title"] not in existing_titles:
            article = articles[path.stem] = _write(path.stem, fields, categories, author)
            _vote(path.stem, article, readers)
    return articles


def link_answers(
    articles: dict[str, Article], answers: dict[str, str], tickets: dict[str, Ticket]
) -> None:
    """Record which article was sent on which ticket; ``answers`` maps ticket key to file name."""
    for key, name in answers.items():
        ticket, article = tickets.get(key), articles.get(name)
        if ticket and article and ticket.assignee:
            knowledge_services.link_ticket(
                article=article, ticket=ticket, by=ticket.assignee, how=ArticleLink.How.SENT
            )


def read_article(path: Path) -> dict[str, str]:
    """Return the front matter of a file (title, category slug, …) and its Markdown ``content``."""
    head, body = front_matter.split(path.read_text(), COLUMNS)
    return {**head.fields, "content": body.strip()}


def make_file(name: str) -> SimpleUploadedFile:
    """Return an upload: the image, or one of the text files."""
    if name == IMAGE:
        return SimpleUploadedFile(f"{IMAGE}.png", _draw_wristband(), "image/png")
    return SimpleUploadedFile(name, TEXT_FILES[name].encode(), "text/plain")


def _write(
    name: str, fields: dict[str, str], categories: dict[str, TicketCategory], author: User
) -> Article:
    content, days = fields["content"], REVIEW_IN_DAYS.get(name)
    files = []
    if name == ARTICLE_WITH_IMAGE:
        files = [make_file(IMAGE)]
        content += f"\n\n![A band whose bars stop half-way]({IMAGE}.png)"
    article = knowledge_services.write_article(
        by=author,
        title=fields["title"],
        content=content.rsplit("\n## ", 1)[0].rstrip() if name in EXTENDED else content,
        category=categories.get(fields["category"]),
        status=Article.Status(fields.get("status", Article.Status.PUBLISHED)),
        audience=Article.Audience(fields.get("audience", Article.Audience.PUBLIC)),
        review_on=timezone.localdate() + timedelta(days=days) if days else None,
        files=files,
    )
    if name in EXTENDED:
        section = content.rsplit("\n## ", 1)[1].split("\n", 1)[0]
        knowledge_services.edit_article(
            article=article,
            by=author,
            title=article.title,
            content=content,
            note=f"Added: {section}",
            seen_at=article.updated_at,
        )
    return article


def _vote(name: str, article: Article, readers: list[User | None]) -> None:
    votes = zip(readers, VOTES.get(name, ""), strict=False)
    for number, (reader, letter) in enumerate(votes):
        knowledge_services.vote(
            article=article,
            by=reader,
            session=f"demo {number}",
            is_helpful=letter == "y",
            comment=COMMENTS.get(name, "") if number == 0 else "",
        )


def _draw_wristband() -> bytes:
    """Return a PNG of a bar code whose bars stop half-way, as the broken printer leaves it."""
    lines = (_draw_bars(y) if 30 <= y < 90 else bytes([235]) * WIDTH for y in range(HEIGHT))
    return _encode_png(b"".join(b"\0" + line for line in lines))


def _draw_bars(y: int) -> bytes:
    right = WIDTH - 40 - 3 * abs(60 - y)  # a slanted edge
    return bytes(40 if 30 < x < right and x * x % 23 < 9 else 235 for x in range(WIDTH))


def _encode_png(lines: bytes) -> bytes:
    """Encode scan lines of eight-bit grey, each led by its filter byte."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_encode_chunk(kind, data) for kind, data in chunks)


def _encode_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
