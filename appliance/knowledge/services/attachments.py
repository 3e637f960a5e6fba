"""The pictures and files that come with a brought-in article."""

import hashlib
import posixpath
from collections.abc import Iterable

from django.core.files.uploadedfile import SimpleUploadedFile

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.files import queries as files_queries
from appliance.knowledge.image_references import TYPES, own_name, place_of, references, renamed
from appliance.knowledge.import_formats import Entry
from appliance.knowledge.import_sources import Member
from appliance.knowledge.models import Article
from appliance.knowledge.services.files import attach, callable_name, detach

Files = dict[str, bytes]  # by what the article calls them


class Enclosures:
    """What lies in a source beside its texts."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._members = {
            posixpath.normpath(member.name): member for member in members if not member.is_text
        }
        self._folders: dict[str, list[str]] = {}
        for place in self._members:
            self._folders.setdefault(posixpath.dirname(place), []).append(place)

    def of(self, entry: Entry) -> tuple[str, Files]:
        """The text with the names its pictures have on this desk, and their bytes: pictures it
        shows, and whatever lies in the folder its front matter names as ``files``.
        """
        if entry.folder is None:
            return entry.content, {}
        calls = {
            reference: place_of(reference, entry.folder) for reference in references(entry.content)
        }
        shown = {reference: place for reference, place in calls.items() if self._is_picture(place)}
        places = [*shown.values()]
        if folder := entry.fields.get("files", ""):
            places += self._folders.get(place_of(folder, entry.folder), [])
        names: dict[str, str] = {}
        for place in dict.fromkeys(places):
            names[place] = own_name(callable_name(posixpath.basename(place)), names.values())
        files = {name: self._read(place) for place, name in names.items()}
        return renamed(
            entry.content, {reference: names[place] for reference, place in shown.items()}
        ), files

    def _is_picture(self, place: str) -> bool:
        return place in self._members and self._members[place].suffix in TYPES

    def _read(self, place: str) -> bytes:
        try:
            return self._members[place].read(files_queries.limit_bytes())
        except BadInputError as error:
            raise BadInputError(f"{posixpath.basename(place)[:80]}: {error}") from error


def changed(article: Article, files: Files) -> Files:
    """Those the article does not have just so."""
    values = dict(article.files.values_list("name", "file__sha256"))
    return {name: data for name, data in files.items() if values.get(name) != digest(data)}


def replace(locked: Article, files: Files, by: User | None) -> None:
    """Put them in the place of those of the same name. Inside ``uploads.atomic``."""
    detach(locked, files)
    attach(locked, [SimpleUploadedFile(name, data) for name, data in files.items()], by)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
