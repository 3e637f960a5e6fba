"""Section of directories, beside which their test, groups and syncs are."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.accounts.models import User
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.directory import queries as directory_queries
from appliance.directory import services as directory_services
from appliance.directory import texts
from appliance.directory.models import Directory
from appliance.manage.forms.directories import DirectoryForm
from appliance.manage.sections.section import Column, Section, filter_by_name


def _describe_state(directory: Directory) -> str:
    if not directory.is_active:
        return _("switched off")
    if directory.failing_since:
        return texts.describe(directory.problem)
    return _("answers") if directory.answered_at else _("not asked yet")


def _consequences(directory: Directory) -> list[str]:
    links = directory.links
    users = links.exclude(user=None).count()
    return [
        ngettext(
            "%(n)d user can no longer sign in until you create an invitation link for them.",
            "%(n)d users can no longer sign in until you create an invitation link for them.",
            users,
        )
        % {"n": users},
        _("Customers and tickets stay. Group mappings and the log of syncs are deleted."),
    ]


def _aside(request: AuthenticatedRequest, directory: Directory | None) -> dict[str, Any]:
    if directory is None:
        return {}
    return {
        "state": _describe_state(directory),
        "mappings": directory.mappings.prefetch_related("teams"),
        "runs": directory_queries.list_runs(directory),
    }


def _list(viewer: User, text: str) -> Any:
    return filter_by_name(directory_queries.list_directories(viewer), text)


DIRECTORIES: Section[Directory] = Section(
    slug="directories",
    object_slug="directory",
    title=gettext_lazy("Directories"),
    icon="bi-diagram-3",
    about=gettext_lazy(
        "LDAP and Active Directory: people sign in with the password of their computer, and names, "
        "phones, rooms and roles follow the directory."
    ),
    list_entries=_list,
    access_entry=directory_queries.access_directory,
    columns=(
        Column(gettext_lazy("Name"), lambda directory: directory.name),
        Column(gettext_lazy("Kind"), lambda directory: directory.get_kind_display()),
        Column(gettext_lazy("Servers"), lambda directory: ", ".join(directory.servers), True),
        Column(gettext_lazy("People"), lambda directory: directory.people_count),
        Column(gettext_lazy("Status"), _describe_state),
    ),
    form=lambda data, viewer, entry: DirectoryForm(data, entry),
    fields_template="manage/_directory_fields.html",
    script="manage/file_text.js",
    add=directory_services.add_directory,
    add_label=gettext_lazy("Add directory"),
    change=directory_services.change_directory,
    remove=directory_services.remove_directory,
    remove_label=gettext_lazy("Remove"),
    consequences=_consequences,
    is_grave=True,
    aside_template="manage/_directory.html",
    aside_context=_aside,
)
