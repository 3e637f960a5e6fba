"""Who may write articles, and the lock every verb on one begins with."""

import re
from collections.abc import Iterable

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.files import services as files_services
from appliance.files.storage import safe_name
from appliance.knowledge.image_references import own_name
from appliance.knowledge.models import Article, ArticleFile


def refuse_unless_writer(by: User | None) -> None:
    """``by=None`` is the box itself."""
    if by is not None and not has_right(by, Right.ARTICLES):
        raise ForbiddenError(_("Only agents with permission to write articles can do this."))


def lock(article: Article) -> Article:
    return Article.objects.select_for_update(of=["self"]).get(pk=article.pk)


MAX_FILES = 50  # of one article


def attach(locked: Article, files: Iterable[UploadedFile], by: User | None) -> list[ArticleFile]:
    """Keep them under a name the text can call them by. Inside ``uploads.atomic``."""
    taken = set(locked.files.values_list("name", flat=True))
    rows = []
    for upload in files:
        if len(taken) >= MAX_FILES:
            raise BadInputError(
                _("An article can have at most %(most)d files. Remove some files.")
                % {"most": MAX_FILES},
                field="files",
            )
        stored = files_services.store(upload=upload, by=by)
        name = own_name(callable_name(upload.name), taken)
        taken.add(name)
        rows.append(ArticleFile.objects.create(article=locked, file=stored, name=name))
    return rows


def detach(locked: Article, names: Iterable[str]) -> int:
    """How many there were. Their bytes go when the transaction commits."""
    rows = list(locked.files.filter(name__in=[*names]).select_related("file"))
    for row in rows:
        row.delete()
        files_services.remove(stored_file=row.file)
    return len(rows)


def callable_name(name: str) -> str:
    """Without what ends the address of a picture in Markdown."""
    return re.sub(r"[\s()<>\[\]\\%?#\"'`]+", "-", safe_name(name)).strip("-") or "file"
