"""Write articles and move them through the workflow. Every saved text stays as a version."""

import posixpath
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TypedDict, Unpack

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core import audit, cache
from appliance.core.dates import site_date
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.files import services as files_services
from appliance.files.storage import safe_name
from appliance.knowledge.models import Article, ArticleFile, ArticleVersion
from appliance.tickets.models import TicketCategory

Status = Article.Status
MAX_FILES = 50  # of one article
MAX_ARTICLES_PER_RUN = 500
# Fields whose changes are not in the audit log: versions or the import source record them.
UNAUDITED_FIELDS = ("title", "content", "imported_sha256", "external_key", "original_version")


class Properties(TypedDict, total=False):
    """What an article has besides its text."""

    language: str  # ISO 639-1 code; empty: the worker recognises it
    original: Article | None
    original_version: int | None
    category: TicketCategory | None
    status: Article.Status
    audience: Article.Audience
    owner: User | None
    review_on: date | None
    external_key: str
    imported_sha256: str


class Changes(Properties, total=False):
    """Changes of an article, its text included."""

    title: str
    content: str


def require_writer(by: User | None) -> None:
    """Raise ForbiddenError unless ``by`` may write articles; None is the system itself."""
    if by is not None and not has_right(by, Right.ARTICLES):
        raise ForbiddenError(_("Only agents with permission to write articles can do this."))


def lock_article(article: Article) -> Article:
    """Return the article, locked until the transaction ends."""
    return Article.objects.select_for_update(of=["self"]).get(pk=article.pk)


@files_services.atomic()
def write_article(
    *,
    by: User | None,
    title: str,
    content: str,
    note: str = "",
    files: Iterable[UploadedFile] = (),
    **properties: Unpack[Properties],
) -> Article:
    """Create an article: a draft owned by its author, unless ``properties`` say otherwise."""
    require_writer(by)
    properties.setdefault("owner", by)
    _require_agent(properties["owner"])
    article = Article(title=title, content=content, author=by, **properties)
    require_language_of_its_own(article)
    article.save()
    _save_version(article, by, note)
    attach_files(article, files, by)
    cache.invalidate(cache.ARTICLES)
    return article


@files_services.atomic()
def edit_article(
    *,
    article: Article,
    by: User | None,
    title: str,
    content: str,
    seen_at: datetime | None,
    note: str = "",
    files: Iterable[UploadedFile] = (),
    drop: Iterable[str] = (),
    **properties: Unpack[Properties],
) -> bool:
    """Replace the text and the given properties, add ``files``, and remove those named in ``drop``.

    Return whether anything changed. ``seen_at`` is the ``updated_at`` the editor started from:
    raises BadInputError when another user has saved since, so that neither text is lost.
    """
    require_writer(by)
    locked = lock_article(article)
    if locked.updated_at != seen_at:
        raise BadInputError(
            _(
                "Another user saved this article while you were editing. Open it in "
                "another tab, merge both versions here and save again."
            ),
            field="content",
        )
    changed_files = detach_files(locked, drop) + len(attach_files(locked, files, by))
    if changed_files:
        locked.updated_at = timezone.now()
        locked.save(update_fields=["updated_at"])
    is_changed = change_article(locked, by, note, title=title, content=content, **properties)
    return is_changed or bool(changed_files)


@transaction.atomic
def restore_version(*, article: Article, number: int, by: User) -> bool:
    """Save an old text as the newest version; return False when it is the current text."""
    require_writer(by)
    locked = lock_article(article)
    version = locked.versions.filter(number=number).first()
    if version is None:
        raise BadInputError(_("This version does not exist. Reload the page."))
    note = _("Version %(number)d restored.") % {"number": number}
    return change_article(locked, by, note, title=version.title, content=version.content)


def submit_for_review(*, article: Article, by: User) -> None:
    """Ask for a review before the draft is published."""
    _set_status(article, by, Status.REVIEW, {Status.DRAFT})


def publish_article(*, article: Article, by: User) -> None:
    """Show the article to its audience."""
    _set_status(article, by, Status.PUBLISHED, {Status.DRAFT, Status.REVIEW})


def archive_article(*, article: Article, by: User) -> None:
    """Hide the article from readers, search and suggestions; agents can still open it."""
    _set_status(article, by, Status.ARCHIVED, {Status.DRAFT, Status.REVIEW, Status.PUBLISHED})


def reopen_article(*, article: Article, by: User) -> None:
    """Turn the article into a draft again."""
    _set_status(article, by, Status.DRAFT, {Status.REVIEW, Status.PUBLISHED, Status.ARCHIVED})


@transaction.atomic
def _set_status(article: Article, by: User, status: Status, allowed_from: set[Status]) -> None:
    """Set the status; repeating it changes nothing. Raises BadInputError from another status."""
    require_writer(by)
    locked = lock_article(article)
    if locked.status == status:
        return
    if locked.status not in allowed_from:
        raise BadInputError(
            _("The status of “%(title)s” is now %(state)s. Reload the page and try again.")
            % {"title": locked, "state": locked.get_status_display()}
        )
    change_article(locked, by, status=status)
    article.status = status


@transaction.atomic
def claim_due_reviews() -> list[Article]:
    """Return published articles due for review, and record that their owners are notified.

    Each review date is claimed once, also by concurrent workers. Content is deferred; owners with
    their notification preferences are loaded.
    """
    is_unclaimed = Q(notified_review_on=None) | ~Q(notified_review_on=F("review_on"))
    due = Article.objects.published().filter(
        is_unclaimed, review_on__lte=site_date(), owner__is_active=True
    )
    due = due.select_related("owner__notification_preference").defer("content", "search_vector")
    due = due.order_by("review_on", "pk").select_for_update(of=["self"], skip_locked=True)
    articles = list(due[:MAX_ARTICLES_PER_RUN])
    claimed = Article.objects.filter(pk__in=[article.pk for article in articles])
    claimed.update(notified_review_on=F("review_on"))
    return articles


def change_article(
    locked: Article, by: User | None, note: str = "", **changes: Unpack[Changes]
) -> bool:
    """Save what differs, a new text as a version; return whether anything did.

    The article must be locked.
    """
    before = {name: getattr(locked, name) for name in changes}
    differing = {name: value for name, value in changes.items() if before[name] != value}
    if not differing:
        return False
    if "owner" in differing:
        _require_agent(changes["owner"])
    for name, value in differing.items():
        setattr(locked, name, value)
    if {"language", "original"} & set(differing):
        require_language_of_its_own(locked)
    update_fields = [*differing, "updated_at"]
    if {"title", "content"} & set(differing):
        locked.version += 1
        update_fields.append("version")
        _save_version(locked, by, note)
    locked.updated_at = timezone.now()
    locked.save(update_fields=update_fields)
    _record_change(locked, by, before, differing)
    cache.invalidate(cache.ARTICLES)
    return True


def require_language_of_its_own(article: Article) -> None:
    """Raise BadInputError if another article of its group is in its language.

    A translation must have a language. Locks the original, so that two are not added at once.
    """
    if article.original_id is None and not article.translations_exist():
        return
    if not article.language:
        raise BadInputError(_("Choose the language of the translation."), field="language")
    members = Article.objects.in_groups([article.group_id])
    list(members.filter(pk=article.group_id).select_for_update(of=["self"]).values_list("pk"))
    if members.filter(language=article.language).exclude(pk=article.pk).exists():
        raise BadInputError(
            _("There is an article in this language already. Edit that one."), field="language"
        )


def attach_files(
    locked: Article, uploads: Iterable[UploadedFile], by: User | None
) -> list[ArticleFile]:
    """Store files under names that the content can refer to. Call inside ``files.atomic``."""
    names = set(locked.files.values_list("name", flat=True))
    article_files = []
    for upload in uploads:
        if len(names) >= MAX_FILES:
            raise BadInputError(
                _("An article can have at most %(most)d files. Remove some files.")
                % {"most": MAX_FILES},
                field="files",
            )
        stored_file = files_services.store(upload=upload, by=by)
        name = unique_name(reference_name(upload.name or ""), names)
        names.add(name)
        article_files.append(
            ArticleFile.objects.create(article=locked, file=stored_file, name=name)
        )
    return article_files


def detach_files(locked: Article, names: Iterable[str]) -> int:
    """Remove the named files; return how many there were."""
    article_files = list(locked.files.filter(name__in=[*names]).select_related("file"))
    for article_file in article_files:
        article_file.delete()
        files_services.remove(stored_file=article_file.file)
    return len(article_files)


def reference_name(name: str) -> str:
    """Return a file name without the characters that end an image reference in Markdown."""
    return re.sub(r"[\s()<>\[\]\\%?#\"'`]+", "-", safe_name(name)).strip("-") or "file"


def unique_name(name: str, existing_names: Iterable[str]) -> str:
    """Return the first of name, name-2, name-3 … that does not exist yet."""
    stem, suffix = posixpath.splitext(name)
    number, candidate, existing_names = 2, name, set(existing_names)
    while candidate in existing_names:
        number, candidate = number + 1, f"{stem}-{number}{suffix}"
    return candidate


def _save_version(article: Article, by: User | None, note: str) -> None:
    ArticleVersion.objects.create(
        article=article,
        number=article.version,
        title=article.title,
        content=article.content,
        note=note,
        by=by,
    )


def _record_change(
    locked: Article, by: User | None, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """Record the changed properties in the audit log."""
    changes = {
        name: [_display(before[name]), _display(value)]
        for name, value in after.items()
        if name not in UNAUDITED_FIELDS
    }
    if changes:
        audit.record_change(by=by, verb="changed", subject=locked, data=changes)


def _display(value: object) -> str:
    return "" if value is None else str(value)


def _require_agent(owner: User | None) -> None:
    if owner is not None and not (owner.is_active and owner.is_agent):
        raise BadInputError(
            _("%(name)s is not an agent. Choose an agent.") % {"name": owner},
            field="owner",
        )
