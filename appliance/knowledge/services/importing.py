"""Import articles: preview the changes, then apply them from the uploaded file kept for a day."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Literal, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.errors import BadInputError
from appliance.core.fields import LANGUAGE_CONFIGS
from appliance.files import queries as files_queries
from appliance.files import services as files_services
from appliance.knowledge import front_matter, import_formats, import_sources
from appliance.knowledge.import_formats import MAX_KEY, Entry
from appliance.knowledge.models import Article, ArticleVote, PendingImport
from appliance.knowledge.services import attachments
from appliance.knowledge.services.articles import (
    Properties,
    change_article,
    require_writer,
    write_article,
)
from appliance.knowledge.services.attachments import Files, ImportAttachments
from appliance.tickets.models import TicketCategory

PENDING_LIFETIME = timedelta(days=1)
MAX_ARTICLES = 10_000
Outcome = Literal["created", "updated", "unchanged", "refused"]
OUTCOME_LABELS: dict[Outcome, Promise] = {
    "created": gettext_lazy("new"),
    "updated": gettext_lazy("updated"),
    "unchanged": gettext_lazy("unchanged"),
    "refused": gettext_lazy("rejected"),
}
TextChoice = TypeVar("TextChoice", bound=models.TextChoices)


class ImportedArticle(Properties):
    """Text and properties of an article as its source has them."""

    title: str
    content: str


@dataclass(frozen=True)
class ImportLine:
    """The outcome for one article of the source."""

    location: str
    title: str
    outcome: Outcome
    message: str = ""  # why it was refused, or what could not be imported
    article_id: int | None = None

    @property
    def label(self) -> str:
        return str(OUTCOME_LABELS[self.outcome])


@dataclass(frozen=True)
class ImportReport:
    """The outcomes of an import, or of its preview."""

    lines: tuple[ImportLine, ...]
    is_dry_run: bool

    @property
    def counts(self) -> Mapping[Outcome, int]:
        return Counter(line.outcome for line in self.lines)

    @property
    def totals(self) -> list[tuple[str, int]]:
        """Label and number of each outcome that occurs."""
        counts = self.counts
        return [
            (str(label), counts[outcome])
            for outcome, label in OUTCOME_LABELS.items()
            if outcome in counts
        ]


def import_articles(
    *,
    source: Path | IO[bytes],
    by: User | None,
    dry_run: bool = False,
    origin: str = "",
    name: str = "",
) -> ImportReport:
    """Create new articles and update changed ones, each in a transaction of its own.

    ``origin`` is a prefix of every key, so that keys of two sources do not collide; ``name`` is the
    name of an uploaded file; ``by=None`` is the system itself. Raises BadInputError when the source
    cannot be read; a problem with one article is reported in its line. Call
    ``triage.services.queue_catch_up`` afterwards, which embeds the new texts.
    """
    require_writer(by)
    members = import_sources.list_members(source, name)
    texts = [member for member in members if member.is_text]
    if not texts:
        raise BadInputError(
            _("No Markdown, HTML or CSV file was found in it. Choose another file."), field="file"
        )
    run = _ImportRun(by, dry_run, origin, ImportAttachments(members))
    with cache.batched_invalidation():
        lines = tuple(run.import_entry(entry) for entry in _originals_first(_read_entries(texts)))
    return ImportReport(lines, dry_run)


def preview_import(*, upload: UploadedFile, by: User) -> tuple[PendingImport, ImportReport]:
    """Return what an import would do, and the stored file with which it can be applied."""
    report = import_articles(source=upload, by=by, dry_run=True, name=upload.name or "")
    upload.seek(0)
    with files_services.atomic():
        _delete_pending_imports(by)
        file = files_services.store(upload=upload, by=by)
        pending = PendingImport.objects.create(by=by, file=file, name=(upload.name or "")[:200])
    return pending, report


def apply_import(*, pending: PendingImport, by: User) -> ImportReport:
    """Import the stored file, then delete it."""
    with files_queries.open_file(pending.file) as file:
        report = import_articles(source=file, by=by, name=pending.name)
    with transaction.atomic():
        _delete_pending_imports(by)
    return report


@transaction.atomic
def forget_person(*, person: User) -> None:
    """Make the votes of a person anonymous and delete their comments and pending imports.

    Versions refer to the person's row, which the caller makes anonymous.
    """
    ArticleVote.objects.filter(user=person).update(user=None, comment="")
    _delete_pending_imports(person)


def _delete_pending_imports(by: User) -> None:
    """Delete the pending imports of a person, and the outdated ones of everybody."""
    outdated = PendingImport.objects.filter(at__lt=timezone.now() - PENDING_LIFETIME)
    for pending in (outdated | PendingImport.objects.filter(by=by)).select_related("file"):
        file = pending.file
        pending.delete()
        files_services.remove(stored_file=file)


def _read_entries(members: list[import_sources.Member]) -> Iterator[Entry]:
    """Yield the articles of all files, at most MAX_ARTICLES."""
    count = 0
    for member in members:
        for entry in import_formats.read_entries(member):
            if (count := count + 1) > MAX_ARTICLES:
                problem = _("At most %(most)d articles can be imported at once.")
                yield Entry(entry.location, entry.key, problem=problem % {"most": MAX_ARTICLES})
                return
            yield entry


def _originals_first(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Yield the translations last, which refer to their originals by key."""
    translations = []
    for entry in entries:
        if entry.fields.get("translation_of"):
            translations.append(entry)
        else:
            yield entry
    yield from translations


class _ImportRun:
    """One import: its parameters, and the articles it has imported so far."""

    def __init__(
        self, by: User | None, dry_run: bool, origin: str, import_attachments: ImportAttachments
    ) -> None:
        self._by, self._dry_run, self._origin = by, dry_run, origin
        self._attachments = import_attachments
        self._categories: dict[str, TicketCategory] = {}  # by slug and by name
        for category in TicketCategory.objects.all():
            self._categories[category.slug.lower()] = category
            self._categories[category.name.lower()] = category
        self._keys: set[str] = set()
        self._imported_ids: set[int] = set()

    def import_entry(self, entry: Entry) -> ImportLine:
        """Create or update the article of the entry, unless it is a dry run."""
        try:
            if entry.problem:
                raise BadInputError(entry.problem)
            key = self._key_of(entry)
            values, message = self._parse_fields(entry)
            values["content"], files = self._attachments.resolve(entry)
            with files_services.atomic():
                outcome, article = self._create_or_update(key, values, files)
        except BadInputError as error:
            return ImportLine(entry.location, entry.title, "refused", str(error))
        self._keys.add(key)
        if article:
            self._imported_ids.add(article.pk)
        article_id = article.pk if article else None
        return ImportLine(entry.location, entry.title, outcome, message, article_id)

    def _key_of(self, entry: Entry) -> str:
        key = self._with_origin(entry.key)
        if key in self._keys:
            raise BadInputError(_("An earlier article in this import has the same key or title."))
        return key

    def _with_origin(self, key: str) -> str:
        """Return the key under which an article of this source is stored."""
        key = f"{self._origin}:{key}" if self._origin else key
        return hashlib.sha256(key.encode()).hexdigest() if len(key) > MAX_KEY else key

    def _parse_fields(self, entry: Entry) -> tuple[ImportedArticle, str]:
        """Return the article, and a message about what could not be imported."""
        values: ImportedArticle = {"title": entry.title, "content": entry.content}
        for name, text in entry.fields.items():
            try:
                self._parse_field(values, name, text)
            except BadInputError as error:
                if line := entry.lines.get(name):
                    raise front_matter.error_in_line(line, name, str(error)) from error
                raise
        messages = []
        if (name := entry.fields.get("category", "")) and "category" not in values:
            messages.append(
                _(
                    "The category “%(name)s” does not exist; the article is imported "
                    "without a category."
                )
                % {"name": name}
            )
        original_key = entry.fields.get("translation_of", "")
        if original_key and not values.get("original") and not self._is_imported(original_key):
            messages.append(
                _("The original “%(key)s” was not found; the article is imported by itself.")
                % {"key": original_key[:40]}
            )
        if entry.unknown_names:
            messages.append(
                _("Not imported: %(names)s.") % {"names": ", ".join(entry.unknown_names)}
            )
        return values, " ".join(messages)

    def _parse_field(self, values: ImportedArticle, name: str, text: str) -> None:
        if name == "status" and text:
            values["status"] = _parse_choice(name, text.lower(), Article.Status)
        elif name == "audience" and text:
            values["audience"] = _parse_choice(name, text.lower(), Article.Audience)
        elif name == "language" and text:
            values["language"] = _parse_language(name, text.lower())
        elif name == "translation_of" and text:
            if original := self._find_original(text):
                values["original"] = original.original or original
        elif name == "review_on" and text:
            values["review_on"] = _parse_date(name, text)
        elif name == "category" and text.lower() in self._categories:
            values["category"] = self._categories[text.lower()]

    def _is_imported(self, key: str) -> bool:
        return self._with_origin(key) in self._keys

    def _find_original(self, key: str) -> Article | None:
        articles = Article.objects.filter(external_key=self._with_origin(key))
        return articles.select_related("original").first()

    def _create_or_update(
        self, key: str, values: ImportedArticle, files: Files
    ) -> tuple[Outcome, Article | None]:
        sha256 = _digest(values, files)
        article = self._find_article(key, values["title"])
        if article is None:
            return "created", self._create(key, sha256, values, files)
        if article.external_key and article.imported_sha256 == sha256:
            return "unchanged", article
        changed_files = attachments.list_changed_files(article, files)
        if original := values.get("original"):
            values["original_version"] = original.version
        is_changed = bool(changed_files) or any(
            getattr(article, name) != value for name, value in values.items()
        )
        if not self._dry_run:
            attachments.replace_files(article, changed_files, self._by)
            values["external_key"], values["imported_sha256"] = key, sha256
            change_article(article, self._by, _("Imported again."), **values)
        return "updated" if is_changed else "unchanged", article

    def _create(
        self, key: str, sha256: str, values: ImportedArticle, files: Files
    ) -> Article | None:
        if self._dry_run:
            return None
        values["external_key"], values["imported_sha256"] = key, sha256
        values.setdefault("audience", Article.Audience.INTERNAL)
        if original := values.get("original"):
            values["original_version"] = original.version
        article = write_article(by=self._by, note=_("Imported."), **values)
        attachments.replace_files(article, files, self._by)
        return article

    def _find_article(self, key: str, title: str) -> Article | None:
        """Find the article by its key, else one without a key by its title. Locks it."""
        articles = Article.objects.select_for_update(of=["self"]).defer("search_vector")
        article = articles.filter(external_key=key).first()
        if article is None:
            without_key = articles.filter(external_key="", title=title)
            article = without_key.exclude(pk__in=self._imported_ids).order_by("pk").first()
        return article


def _parse_choice(field: str, value: str, choices: type[TextChoice]) -> TextChoice:
    if value not in choices.values:
        raise BadInputError(
            _("“%(value)s” is not a valid value for %(field)s. Choose one of: %(all)s.")
            % {"value": value[:40], "field": field, "all": ", ".join(choices.values)}
        )
    return choices(value)


def _parse_language(field: str, value: str) -> str:
    if value not in LANGUAGE_CONFIGS:
        raise BadInputError(
            _("“%(value)s” is not a valid value for %(field)s. Choose one of: %(all)s.")
            % {"value": value[:40], "field": field, "all": ", ".join(LANGUAGE_CONFIGS)}
        )
    return value


def _parse_date(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            _("“%(value)s” is not a valid date for %(field)s. Use the format 2027-03-31.")
            % {"value": text[:40], "field": field}
        ) from None


def _digest(values: ImportedArticle, files: Files) -> str:
    """Return the SHA-256 of an article as its source has it."""
    fields: dict[str, object] = {
        name: getattr(value, "slug", None) or getattr(value, "external_key", None) or str(value)
        for name, value in values.items()
    }
    if files:
        fields["files"] = {name: attachments.digest(data) for name, data in files.items()}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
