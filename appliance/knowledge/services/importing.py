"""An import between being looked at and being done: the uploaded file is kept, for a day."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO, Literal

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.errors import BadInputError
from appliance.files import queries as files_queries
from appliance.files import services as files_services
from appliance.knowledge import import_formats, import_sources
from appliance.knowledge.import_formats import MAX_KEY, Entry
from appliance.knowledge.models import Article, ArticleVote, PendingImport
from appliance.knowledge.services import attachments
from appliance.knowledge.services.articles import change, write_article
from appliance.knowledge.services.attachments import Enclosures, Files
from appliance.knowledge.services.files import refuse_unless_writer
from appliance.tickets.models import TicketCategory

KEPT = timedelta(days=1)


What = Literal["created", "updated", "unchanged", "refused"]
LABELS: dict[What, str] = {
    "created": gettext_lazy("new"),
    "updated": gettext_lazy("updated"),
    "unchanged": gettext_lazy("unchanged"),
    "refused": gettext_lazy("rejected"),
}
MAX_ARTICLES = 10_000


@dataclass(frozen=True)
class Line:
    """What became of one article of the source; ``why`` is a reason or a remark."""

    where: str
    title: str
    what: What
    why: str = ""
    article_id: int | None = None

    @property
    def label(self) -> str:
        return LABELS[self.what]


@dataclass(frozen=True)
class Report:
    lines: tuple[Line, ...]
    is_dry_run: bool

    @property
    def counts(self) -> dict[What, int]:
        return dict(Counter(line.what for line in self.lines))

    @property
    def totals(self) -> list[tuple[str, int]]:
        """For a person: what became of how many."""
        return [(label, self.counts[what]) for what, label in LABELS.items() if what in self.counts]


def import_articles(
    *,
    source: Path | BinaryIO,
    by: User | None,
    dry_run: bool = False,
    origin: str = "",
    name: str = "",
) -> Report:
    """Bring in what differs from what is here, one transaction an article.

    ``origin`` stands before every key, so that two sources do not meet; ``name`` is what an
    uploaded file was called. ``by=None`` is the box itself. Raises BadInputError when the source as
    a whole cannot be read; what is wrong with one article is a line of the report. Afterwards let
    ``triage.services.queue_catch_up`` have the new texts read.
    """
    refuse_unless_writer(by)
    members = import_sources.list_members(source, name)
    texts = [member for member in members if member.is_text]
    if not texts:
        raise BadInputError(
            _("No Markdown, HTML or CSV file was found in it. Choose another file."), field="file"
        )
    sections = {}
    for category in TicketCategory.objects.all():
        sections |= {category.slug.lower(): category, category.name.lower(): category}
    bringing = _Bringing(by, dry_run, origin, sections, Enclosures(members))
    with cache.batched_invalidation():
        lines = tuple(bringing.take(entry) for entry in _entries(texts))
    return Report(lines, dry_run)


def _entries(members: list[import_sources.Member]) -> Iterator[Entry]:
    count = 0
    for member in members:
        for entry in import_formats.read(member):
            if (count := count + 1) > MAX_ARTICLES:
                problem = _("At most %(most)d articles can be imported at once.")
                yield Entry(entry.where, entry.key, problem=problem % {"most": MAX_ARTICLES})
                return
            yield entry


class _Bringing:
    """One import: who brings in, what was brought in already, and where it belongs."""

    def __init__(
        self,
        by: User | None,
        dry_run: bool,
        origin: str,
        sections: dict[str, TicketCategory],
        enclosures: Enclosures,
    ) -> None:
        self._by, self._dry_run, self._origin, self._shelves = by, dry_run, origin, sections
        self._enclosures = enclosures
        self._keys: set[str] = set()
        self._taken: set[int] = set()  # articles that have their entry already

    def take(self, entry: Entry) -> Line:
        try:
            if entry.problem:
                raise BadInputError(entry.problem)
            key = self._key_of(entry)
            expected, remark = self._values_of(entry)
            expected["content"], files = self._enclosures.of(entry)
            with files_services.atomic():
                what, article = self._bring_in(key, expected, files)
        except BadInputError as error:
            return Line(entry.where, entry.title, "refused", str(error))
        self._keys.add(key)
        if article:
            self._taken.add(article.pk)
        return Line(entry.where, entry.title, what, remark, article.pk if article else None)

    def _key_of(self, entry: Entry) -> str:
        key = f"{self._origin}:{entry.key}" if self._origin else entry.key
        if len(key) > MAX_KEY:
            key = hashlib.sha256(key.encode()).hexdigest()
        if key in self._keys:
            raise BadInputError(_("An earlier article in this import has the same key or title."))
        return key

    def _values_of(self, entry: Entry) -> tuple[dict[str, object], str]:
        """The values of the article, and what could not be followed."""
        values: dict[str, object] = {"title": entry.title}
        remark, front_matter = "", entry.fields
        for field, choices in (("status", Article.Status), ("audience", Article.Audience)):
            if value := front_matter.get(field, "").lower():
                values[field] = _chosen(field, value, choices)
        if name := front_matter.get("category", ""):
            category = self._shelves.get(name.lower())
            if category:
                values["category"] = category
            else:
                remark = _(
                    "The category “%(name)s” does not exist; the article is imported "
                    "without a category."
                ) % {"name": name}
        if when := front_matter.get("review_on", ""):
            values["review_on"] = _day(when)
        return values, remark

    def _bring_in(
        self, key: str, expected: dict[str, object], files: Files
    ) -> tuple[What, Article | None]:
        sha256 = _digest(expected, files)
        article = self._find(key, str(expected["title"]))
        if article is None:
            return "created", self._create(key, sha256, expected, files)
        if article.external_key and article.imported_sha256 == sha256:
            return "unchanged", article
        changed = attachments.changed(article, files)
        differs = bool(changed) or any(
            getattr(article, name) != value for name, value in expected.items()
        )
        if not self._dry_run:
            attachments.replace(article, changed, self._by)
            expected |= {"external_key": key, "imported_sha256": sha256}
            change(article, self._by, _("Imported again."), **expected)
        return "updated" if differs else "unchanged", article

    def _create(
        self, key: str, sha256: str, expected: dict[str, object], files: Files
    ) -> Article | None:
        if self._dry_run:
            return None
        article = write_article(
            by=self._by, note=_("Imported."), external_key=key, imported_sha256=sha256, **expected
        )
        attachments.replace(article, files, self._by)
        return article

    def _find(self, key: str, title: str) -> Article | None:
        """By its key; else what has none yet and the same title. Locked."""
        articles = Article.objects.select_for_update(of=["self"]).defer("search_vector")
        row = articles.filter(external_key=key).first()
        if row is None:
            alike = articles.filter(external_key="", title=title).exclude(pk__in=self._taken)
            row = alike.order_by("pk").first()
        return row


def _chosen(field: str, value: str, choices: type) -> str:
    if value not in choices.values:
        raise BadInputError(
            _("“%(value)s” is not a valid value for %(field)s. Choose one of: %(all)s.")
            % {"value": value[:40], "field": field, "all": ", ".join(choices.values)}
        )
    return choices(value)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            _("“%(value)s” is not a valid date. Use the format 2027-03-31.") % {"value": text[:40]}
        ) from None


def _digest(expected: dict[str, object], files: Files) -> str:
    values = {name: getattr(value, "slug", str(value)) for name, value in expected.items()}
    if files:
        values["files"] = {name: attachments.digest(data) for name, data in files.items()}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def look_at_import(*, upload: UploadedFile, by: User) -> tuple[PendingImport, Report]:
    """What bringing the file in would do. It is kept, so that nobody has to choose it twice."""
    report = import_articles(source=upload, by=by, dry_run=True, name=upload.name)
    upload.seek(0)
    with files_services.atomic():
        _forget(by)
        file = files_services.store(upload=upload, by=by)
        pending = PendingImport.objects.create(by=by, file=file, name=upload.name[:200])
    return pending, report


def apply_import(*, pending: PendingImport, by: User) -> Report:
    """Do it, and forget the file."""
    with files_queries.open_file(pending.file) as file:
        report = import_articles(source=file, by=by, name=pending.name)
    with transaction.atomic():
        _forget(by)
    return report


@transaction.atomic
def forget_person(*, person: User) -> None:
    """Their votes stay counted, as nobody's and without a word; what they looked at goes. Versions
    name them by their row, which is made anonymous by whoever calls this.
    """
    ArticleVote.objects.filter(user=person).update(user=None, comment="")
    _forget(person)


def _forget(by: User) -> None:
    """What this person looked at before, and what anybody left lying for too long."""
    old = PendingImport.objects.filter(at__lt=timezone.now() - KEPT)
    for pending in (old | PendingImport.objects.filter(by=by)).select_related("file"):
        file = pending.file
        pending.delete()
        files_services.remove(stored_file=file)
