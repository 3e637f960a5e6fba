"""What belongs to an article besides its text: pictures, forms, drivers."""

import re
from collections.abc import Iterable

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.files import services as files_services
from appliance.files.content import safe_name
from appliance.knowledge.models import Article, ArticleFile
from appliance.knowledge.pictures import own_name

MOST_FILES = 50  # of one article


def attach(locked: Article, files: Iterable[UploadedFile], by: User | None) -> list[ArticleFile]:
    """Keep them under a name the text can call them by. Inside ``uploads.atomic``."""
    taken = set(locked.files.values_list("name", flat=True))
    made = []
    for upload in files:
        if len(taken) >= MOST_FILES:
            raise BadInputError(
                _("An article can have at most %(most)d files. Remove some files.") % {"most": MOST_FILES}, field="files"
            )
        stored = files_services.store(upload=upload, by=by)
        name = own_name(callable_name(upload.name), taken)
        taken.add(name)
        made.append(ArticleFile.objects.create(article=locked, file=stored, name=name))
    return made


def detach(locked: Article, names: Iterable[str]) -> int:
    """How many there were. Their bytes go when the transaction commits."""
    found = list(locked.files.filter(name__in=[*names]).select_related("file"))
    for one in found:
        one.delete()
        files_services.remove(stored=one.file)
    return len(found)


def callable_name(name: str) -> str:
    """Without what ends the address of a picture in Markdown."""
    return re.sub(r"[\s()<>\[\]\\%?#\"'`]+", "-", safe_name(name)).strip("-") or "file"
