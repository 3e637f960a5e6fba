"""The widgets that nearly every form is made of, drawn in Python.

A page of a ticket shows some twenty of them, and one drawn through a template of its own, with its
attributes in another, takes 0.5 ms. The HTML is Django's; what is not named here Django draws.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

FOLDER = "django/forms/widgets/"
INPUTS = (
    "text",
    "hidden",
    "email",
    "number",
    "password",
    "search",
    "url",
    "date",
    "file",
    "checkbox",
)
OPTIONS = ("radio_option", "checkbox_option")


class Drawn(DjangoTemplates):
    """``settings.FORM_RENDERER``."""

    def render(
        self, template_name: str, context: Mapping[str, Any], request: object = None
    ) -> SafeString:
        draw = DRAWN.get(template_name)
        html = draw(context["widget"]) if draw else None
        if html is None:
            return super().render(template_name, context, request)
        return mark_safe(html)  # noqa: S308  (every value went through _text)


def _input(widget: Mapping[str, Any]) -> str:
    value = widget["value"]
    shown = "" if value is None else f' value="{_text(value)}"'
    return (
        f'<input type="{_text(widget["type"])}" name="{_text(widget["name"])}"{shown}'
        f"{_attributes(widget['attrs'])}>"
    )


def _option(widget: Mapping[str, Any]) -> str | None:
    """One radio button or box; within a label of its own, Django draws it."""
    return None if widget.get("wrap_label") else _input(widget)


def _textarea(widget: Mapping[str, Any]) -> str:
    name, value = _text(widget["name"]), widget["value"]
    shown = _text(value) if value else ""
    return f'<textarea name="{name}"{_attributes(widget["attrs"])}>\n{shown}</textarea>'


def _select(widget: Mapping[str, Any]) -> str | None:
    """Without groups; those Django draws."""
    parts = [f'<select name="{_text(widget["name"])}"{_attributes(widget["attrs"])}>']
    for group, options, _ in widget["optgroups"]:
        if group:
            return None
        for option in options:
            value, attributes = _text(option["value"]), _attributes(option["attrs"])
            parts.append(f'  <option value="{value}"{attributes}>{_text(option["label"])}</option>')
    return "\n".join([*parts, "</select>"])


def _attributes(attributes: Mapping[str, Any]) -> str:
    return "".join(
        f" {_text(name)}" if value is True else f' {_text(name)}="{_text(value)}"'
        for name, value in attributes.items()
        if value is not False
    )


def _text(value: object) -> str:
    return escape(value) if type(value) is str else conditional_escape(value)


DRAWN: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
    **{f"{FOLDER}{name}.html": _input for name in INPUTS},
    **{f"{FOLDER}{name}.html": _option for name in OPTIONS},
    f"{FOLDER}textarea.html": _textarea,
    f"{FOLDER}select.html": _select,
}
