"""Writing an article. Every text it ever had stays as a version."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypedDict, Unpack

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import audit, cache
from appliance.core.errors import BadInputError
from appliance.files import services as files_services
from appliance.knowledge.models import Article, ArticleVersion
from appliance.knowledge.services.files import attach, detach, lock, refuse_unless_writer
from appliance.tickets.models import TicketCategory


class Properties(TypedDict, total=False):
    """What an article has besides its text."""

    category: TicketCategory | None
    status: Article.Status
    audience: Article.Audience
    owner: User | None
    review_on: date | None
    external_key: str
    imported_sha256: str


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
    """A draft unless ``status`` says otherwise, owned by whoever writes it unless given to
    another agent.
    """
    refuse_unless_writer(by)
    properties = {"owner": by} | properties
    _refuse_odd_owner(properties["owner"])
    article = Article.objects.create(title=title, content=content, author=by, **properties)
    _keep(article, by, note)
    attach(article, files, by)
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
    """Replace the text, and of the properties those that are given; add files, and take away those
    named in ``drop``. Whether anything changed.

    ``seen_at`` is the ``updated_at`` the editor started from. Raises BadInputError when somebody
    else saved in between, so that neither text is lost.
    """
    refuse_unless_writer(by)
    locked = lock(article)
    if locked.updated_at != seen_at:
        raise BadInputError(
            _(
                "Another user saved this article while you were editing. Open it in "
                "another tab, merge both versions here and save again."
            ),
            field="content",
        )
    moved = detach(locked, drop) + len(attach(locked, files, by))
    if moved:
        locked.updated_at = timezone.now()
        locked.save(update_fields=["updated_at"])
    return change(locked, by, note, title=title, content=content, **properties) or bool(moved)


@transaction.atomic
def restore_version(*, article: Article, number: int, by: User) -> bool:
    """The old text becomes the newest version. False when the article says just that already."""
    refuse_unless_writer(by)
    locked = lock(article)
    old = locked.versions.filter(number=number).first()
    if old is None:
        raise BadInputError(_("This version does not exist. Reload the page."))
    note = _("Version %(number)d restored.") % {"number": number}
    return change(locked, by, note, title=old.title, content=old.content)


def change(locked: Article, by: User | None, note: str = "", **expected: object) -> bool:
    """Write only what differs: a new text as a version, anything else as a change."""
    before = {name: getattr(locked, name) for name in expected}
    differs = {name: value for name, value in expected.items() if before[name] != value}
    if not differs:
        return False
    if "owner" in differs:
        _refuse_odd_owner(differs["owner"])
    for name, value in differs.items():
        setattr(locked, name, value)
    written = [*differs, "updated_at"]
    if {"title", "content"} & set(differs):
        locked.version += 1
        written.append("version")
        _keep(locked, by, note)
    locked.updated_at = timezone.now()
    locked.save(update_fields=written)
    _record(locked, by, before, differs)
    cache.invalidate(cache.ARTICLES)
    return True


def _keep(article: Article, by: User | None, note: str) -> None:
    ArticleVersion.objects.create(
        article=article,
        number=article.version,
        title=article.title,
        content=article.content,
        note=note,
        by=by,
    )


def _record(locked: Article, by: User | None, before: dict, differs: dict) -> None:
    """A row for what no version tells."""
    values = {
        name: [_shown(before[name]), _shown(value)]
        for name, value in differs.items()
        if name not in ("title", "content", "imported_sha256", "external_key")
    }
    if values:
        audit.record_change(by=by, verb="changed", subject=locked, data=values)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _refuse_odd_owner(owner: User | None) -> None:
    if owner is not None and not (owner.is_active and owner.is_agent):
        raise BadInputError(
            _("%(name)s is not an agent. Choose an agent.") % {"name": owner},
            field="owner",
        )
