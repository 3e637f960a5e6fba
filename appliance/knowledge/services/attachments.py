"""The images and files of imported articles, and the image references in their Markdown."""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from django.core.files.uploadedfile import SimpleUploadedFile

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.files import queries as files_queries
from appliance.knowledge.import_formats import Entry
from appliance.knowledge.import_sources import Member
from appliance.knowledge.models import Article
from appliance.knowledge.services.articles import (
    attach_files,
    detach_files,
    reference_name,
    unique_name,
)

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
# ![description](reference "title"), also with the reference in angle brackets
_IMAGE = re.compile(
    r"(!\[[^\]\n]{0,500}\]\()(?:<([^>\n]{1,500})>|([^)\s<>]{1,500}))([^)\n]{0,200}\))"
)
Files = dict[str, bytes]  # by their name in the article


class ImportAttachments:
    """The files of an import source that are no texts."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._members = {
            posixpath.normpath(member.name): member for member in members if not member.is_text
        }
        self._paths_by_folder: dict[str, list[str]] = {}
        for path in self._members:
            self._paths_by_folder.setdefault(posixpath.dirname(path), []).append(path)

    def resolve(self, entry: Entry) -> tuple[str, Files]:
        """Return the content with its image references renamed, and the files of the entry.

        These are the images it shows, and all files in the folder that its front matter names.
        Raises BadInputError for a file that is too large or damaged.
        """
        if entry.folder is None:
            return entry.content, {}
        targets = {
            reference: resolve_reference(reference, entry.folder)
            for reference in list_image_references(entry.content)
        }
        images = {reference: path for reference, path in targets.items() if self._is_image(path)}
        paths = [*images.values()]
        if folder := entry.fields.get("files", ""):
            paths += self._paths_by_folder.get(resolve_reference(folder, entry.folder), [])
        names: dict[str, str] = {}
        for path in dict.fromkeys(paths):
            names[path] = unique_name(reference_name(posixpath.basename(path)), names.values())
        files = {name: self._read(path) for path, name in names.items()}
        new_references = {reference: names[path] for reference, path in images.items()}
        return rename_image_references(entry.content, new_references), files

    def _is_image(self, path: str) -> bool:
        return path in self._members and self._members[path].suffix in IMAGE_SUFFIXES

    def _read(self, path: str) -> bytes:
        try:
            return self._members[path].read(files_queries.limit_bytes())
        except BadInputError as error:
            raise BadInputError(f"{posixpath.basename(path)[:80]}: {error}") from error


def list_changed_files(article: Article, files: Files) -> Files:
    """Return the files that the article does not have with this content."""
    digests = dict(article.files.values_list("name", "file__sha256"))
    return {name: data for name, data in files.items() if digests.get(name) != digest(data)}


def replace_files(locked: Article, files: Files, by: User | None) -> None:
    """Replace the files of the same names. Call inside ``files.atomic``."""
    detach_files(locked, files)
    attach_files(locked, [SimpleUploadedFile(name, data) for name, data in files.items()], by)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def list_image_references(content: str) -> list[str]:
    """Return the distinct relative image references of a Markdown text, as written."""
    references = (match.group(2) or match.group(3) for match in _IMAGE.finditer(content))
    return [
        reference
        for reference in dict.fromkeys(references)
        if not re.match(r"[a-zA-Z][\w+.-]*:|/|#", reference)
    ]


def resolve_reference(reference: str, folder: str) -> str:
    """Return the path within the source that a file in ``folder`` refers to."""
    return posixpath.normpath(posixpath.join(folder, unquote(reference)))


def rename_image_references(content: str, names: Mapping[str, str]) -> str:
    """Replace the image references that are keys of ``names``."""

    def replace(match: re.Match[str]) -> str:
        reference = match.group(2) or match.group(3)
        if reference not in names:
            return match.group(0)
        return f"{match.group(1)}{names[reference]}{match.group(4)}"

    return _IMAGE.sub(replace, content)
