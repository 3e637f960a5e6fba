"""Template filters for all rooms."""

from collections.abc import Collection

from django import template
from django.template import Context
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from appliance import disks
from appliance.core import disk_space
from appliance.core.languages import list_names
from appliance.core.markdown import escape, quote, render

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Return safe HTML of a message or an article."""
    return render(text)


@register.inclusion_tag("core/_warnings.html", takes_context=True)
def disk_warnings(context: Context) -> dict[str, object]:
    """Tell admins about full disks, and everybody else signed in when nothing can be saved."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated:
        return {"warnings": []}
    if user.is_admin:
        bad_disks = [disk for disk in disk_space.list_disks() if disk.state != disks.OK]
        return {
            "warnings": [(disk_space.warning(disk), not disk.is_writable) for disk in bad_disks],
            "icon": "hdd",
        }
    disk = disk_space.find_unwritable(disks.DATABASE)
    text = _("Nothing can be saved at the moment: the disk of the help desk is full.")
    return {"warnings": [(text, True)] if disk else [], "icon": "hdd"}


@register.filter
def percent(share: float) -> int:
    """Return a share between 0 and 1 as a whole number of percent: 0.874 → 87."""
    return round(max(0.0, min(1.0, share)) * 100)


@register.filter
def language_names(codes: Collection[str]) -> str:
    """Return the names of languages, separated by commas: "English, German"."""
    return ", ".join(list_names(codes))


@register.filter
def as_link_text(text: str) -> str:
    """Return Markdown that reads like a title, for the words of a link."""
    return escape(text)


@register.filter
def quoted(text: str) -> str:
    """Return Markdown of a quotation that reads like the text."""
    return quote(text)
