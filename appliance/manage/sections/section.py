"""A section of the settings: one kind of entry with its list, its form and what may be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise

from appliance.accounts.models import User
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.core.forms import Form

EntryT = TypeVar("EntryT", bound=Model)
Text = str | Promise
MAX_FILTER_WORDS = 5


def is_admin(user: User) -> bool:
    return user.is_admin


@dataclass(frozen=True)
class Column:
    title: Text
    value: Callable[[Any], object]  # of an entry; True and False are shown as words
    is_quiet: bool = False


@dataclass(frozen=True)
class Section(Generic[EntryT]):
    slug: str
    object_slug: str
    title: Text
    icon: str
    about: Text  # on the overview, above the list, and where the list is empty
    list_entries: Callable[[User, str], QuerySet[EntryT]]  # (viewer, search words)
    access_entry: Callable[[User, int], EntryT]  # raises Http404
    columns: tuple[Column, ...]
    # its ``values()`` are the arguments of ``add`` and ``change``
    form: Callable[[QueryDict | None, User, EntryT | None], Form]
    add: Callable[..., EntryT] | None
    change: Callable[..., object]
    add_label: Text
    remove: Callable[..., object] | None = None
    remove_label: Text = ""
    consequences: Callable[[EntryT], list[str]] = field(default=lambda entry: [])  # of removing
    restore: Callable[..., object] | None = None
    move: Callable[..., object] | None = None
    is_open_to: Callable[[User], bool] = is_admin
    is_grave: bool = False  # the pages that add and change ask for the password
    is_searchable: bool = True
    # by the value of ``only`` in the address: a label, and what leaves the matching entries
    narrowings: Mapping[str, tuple[Text, Callable[[Any], QuerySet[Any]]]] = field(
        default_factory=dict
    )
    help: Text = ""  # above the form
    fields_template: str = "manage/_fields.html"
    script: str = ""  # of the form, the name of a static file
    aside_template: str = ""  # beside the form
    aside_context: Callable[[AuthenticatedRequest, EntryT | None], dict[str, Any]] = field(
        default=lambda request, entry: {}
    )

    @property
    def actions(self) -> set[str]:
        """Return what the pages offer; a template would call the services themselves."""
        return {name for name in ("add", "remove", "restore", "move") if getattr(self, name)}

    def list_narrowed(self, viewer: User, text: str, only: str) -> QuerySet[EntryT]:
        """Return the entries for search words, narrowed if ``only`` is one of ``narrowings``."""
        entries = self.list_entries(viewer, text)
        return self.narrowings[only][1](entries) if only in self.narrowings else entries

    def cells(self, entry: EntryT) -> list[tuple[Column, object]]:
        return [(column, column.value(entry)) for column in self.columns]

    def argument(self, entry: EntryT) -> dict[str, EntryT]:
        """Return the entry under the name of the parameter that the services take it by."""
        return {self.object_slug.replace("-", "_"): entry}


def filter_by_name(queryset: QuerySet[EntryT], text: str) -> QuerySet[EntryT]:
    """Keep entries with each word of ``text`` in their name, ordered by name."""
    for word in text.replace("\0", "").split()[:MAX_FILTER_WORDS]:
        queryset = queryset.filter(name__icontains=word)
    return queryset.order_by("name", "pk")
