"""Form renderer that produces the common widgets in Python instead of templates.

A ticket page shows about twenty widgets, and Django takes 0.5 ms for one, because its attributes
are a template of their own. The HTML is Django's; any other widget is rendered by Django.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django import forms
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

from appliance.core.clean_text import clean_address, clean_line, clean_paragraphs, clean_text

TEMPLATE_FOLDER = "django/forms/widgets/"
INPUT_TYPES = (
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
TEXT_TYPES = ("text", "search")  # of inputs that hold people's words
OPTION_TEMPLATES = ("radio_option", "checkbox_option")


class TextBoundField(forms.BoundField):
    """A field of a form: text is cleaned before it is validated, and shown in its own direction.

    Of a text area every blank and sign stays. A line, such as a name, loses what cannot be seen. A
    password stays as it is.
    """

    def __init__(self, form: forms.BaseForm, field: forms.Field, name: str) -> None:
        super().__init__(form, field, name)
        self._clean = self._find_cleaner(field)

    @property
    def data(self) -> Any:
        value = super().data
        return self._clean(value) if self._clean and isinstance(value, str) else value

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        attributes: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        if isinstance(widget, forms.Textarea) or getattr(widget, "input_type", "") in TEXT_TYPES:
            attributes.setdefault("dir", "auto")
        return attributes

    @staticmethod
    def _find_cleaner(field: forms.Field) -> Callable[[str], str] | None:
        if not isinstance(field, forms.CharField) or isinstance(field.widget, forms.PasswordInput):
            return None
        if isinstance(field, forms.EmailField):
            return clean_address
        if not isinstance(field.widget, forms.Textarea):
            return clean_line
        if not field.strip:
            return clean_text
        field.strip = False  # would take the indent of the first line
        return clean_paragraphs


class FastFormRenderer(DjangoTemplates):
    """``settings.FORM_RENDERER``."""

    bound_field_class = TextBoundField

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        render_widget = WIDGET_RENDERERS.get(template_name)
        html = render_widget(context["widget"]) if render_widget else None
        if html is None:
            return super().render(template_name, context, request)
        return mark_safe(html)  # noqa: S308  (every value went through _text)


def _input(widget: Mapping[str, Any]) -> str:
    value = widget["value"]
    value_html = "" if value is None else f' value="{_text(value)}"'
    return (
        f'<input type="{_text(widget["type"])}" name="{_text(widget["name"])}"{value_html}'
        f"{_attributes(widget['attrs'])}>"
    )


def _option(widget: Mapping[str, Any]) -> str | None:
    """Render a radio button or checkbox; None with a label around it, which Django renders."""
    return None if widget.get("wrap_label") else _input(widget)


def _textarea(widget: Mapping[str, Any]) -> str:
    name, value = _text(widget["name"]), widget["value"]
    content = _text(value) if value else ""
    return f'<textarea name="{name}"{_attributes(widget["attrs"])}>\n{content}</textarea>'


def _select(widget: Mapping[str, Any]) -> str | None:
    """Render a select; None with option groups, which Django renders."""
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
    if type(value) is str:
        return escape(value)
    return conditional_escape(value)  # type: ignore[arg-type]  # Django escapes numbers too


WIDGET_RENDERERS: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
    **{f"{TEMPLATE_FOLDER}{name}.html": _input for name in INPUT_TYPES},
    **{f"{TEMPLATE_FOLDER}{name}.html": _option for name in OPTION_TEMPLATES},
    f"{TEMPLATE_FOLDER}textarea.html": _textarea,
    f"{TEMPLATE_FOLDER}select.html": _select,
}
