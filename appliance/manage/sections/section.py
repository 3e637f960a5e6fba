"""What a page of the set-up is made of, declared once: the views in ``views/frame.py`` do the rest.

``one`` is the word for one row: it names the pages (``add-team``, ``edit-team``) and the argument
by which the verbs take the row (``change_team(team=…)``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from appliance.accounts.models import User
from appliance.core.forms import Form

Words = str | Promise
MakeForm = Callable[[Mapping | None, User, Model | None], Form]


def admins(person: User) -> bool:
    return person.is_admin


@dataclass(frozen=True)
class Column:
    title: Words
    cell: Callable[[Any], object]  # row → what stands there; True and False are shown as words
    quiet: bool = False


@dataclass(frozen=True)
class Section:
    slug: str
    one: str
    title: Words
    icon: str
    about: Words  # what the thing is for: on the overview, and where a list is empty
    rows: Callable[[User, str], QuerySet]  # (viewer, words typed into the search) → what is listed
    access: Callable[[User, int], Model]  # raises Http404
    columns: tuple[Column, ...]
    form: MakeForm  # has ``values()``, the arguments of ``add`` and ``change``
    add: Callable[..., Model] | None
    change: Callable[..., object]
    add_words: Words
    remove: Callable[..., object] | None = None
    remove_words: Words = ""
    affects: Callable[[Any], list[str]] = field(default=lambda row: [])  # removing says it first
    restore: Callable[..., object] | None = None
    move: Callable[..., object] | None = None
    admits: Callable[[User], bool] = admins
    is_searched: bool = True
    help: Words = ""  # above the form
    more: str = ""  # template below the form
    more_of: Callable[[Any, Any], dict] = field(default=lambda request, row: {})  # its context

    @property
    def offers(self) -> set[str]:
        """Which verbs the pages show; a template would call the verbs themselves."""
        return {verb for verb in ("add", "remove", "restore", "move") if getattr(self, verb)}

    def cells(self, row: Model) -> list[tuple[Column, object]]:
        return [(column, column.cell(row)) for column in self.columns]

    def named(self, row: Model) -> dict[str, Model]:
        """The row under the name the verbs know it by."""
        return {self.one.replace("-", "_"): row}
