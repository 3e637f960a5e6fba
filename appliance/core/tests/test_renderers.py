"""FastFormRenderer renders the same HTML as Django's templates."""

import datetime

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.test.html import parse_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from appliance.core import renderers

DAY = datetime.date(2026, 5, 4)
NASTY = '<b a="1" b=\'2\'>&\u2028"</textarea>'


class Everything(forms.Form):
    text = forms.CharField(label="Text", max_length=9, help_text="Nine <letters>.")
    address = forms.EmailField()
    number = forms.IntegerField(min_value=1, max_value=1000)
    date = forms.DateField(initial=DAY, show_hidden_initial=True)
    secret = forms.CharField(widget=forms.PasswordInput(render_value=True))
    long = forms.CharField(widget=forms.Textarea(attrs={"placeholder": NASTY}))
    hidden = forms.CharField(widget=forms.HiddenInput(attrs={"data-on": True, "data-off": False}))
    file = forms.FileField(widget=forms.FileInput)
    choice = forms.ChoiceField(
        choices=[("", gettext_lazy("None")), ("<a>", NASTY), (3, mark_safe("<i>"))]
    )
    grouped = forms.ChoiceField(choices=[("Group", [("1", "One")]), ("2", "Two")])
    several = forms.MultipleChoiceField(choices=[("1", "One"), ("2", NASTY)])
    radio = forms.ChoiceField(choices=[("1", "One"), ("2", NASTY)], widget=forms.RadioSelect)
    consent = forms.BooleanField()


FORM_ARGUMENTS = [
    {},
    {"initial": {"text": NASTY, "number": 1000, "choice": 3, "radio": "2", "several": ["2"]}},
    {"data": {"text": NASTY, "long": NASTY, "choice": "<a>", "date": NASTY, "consent": "on"}},
]


@pytest.mark.parametrize("arguments", FORM_ARGUMENTS)
@pytest.mark.parametrize("name", Everything.base_fields)
def test_widget_is_rendered_as_the_template_renders_it(arguments, name):
    fast, django = (
        Everything(**arguments, renderer=renderer, bound_field_class=renderers.TextBoundField)[name]
        for renderer in (renderers.FastFormRenderer(), DjangoTemplates())
    )
    assert parse_html(fast.as_widget()) == parse_html(django.as_widget())
    assert parse_html(fast.as_hidden()) == parse_html(django.as_hidden())
    for ours, theirs in zip(fast.subwidgets, django.subwidgets, strict=True):
        assert parse_html(ours.tag()) == parse_html(theirs.tag())


def test_most_widgets_are_rendered_without_a_template(monkeypatch):
    monkeypatch.setattr(DjangoTemplates, "get_template", lambda *_: pytest.fail("a template"))
    form = Everything()
    for name in ("text", "date", "long", "hidden", "file", "choice"):
        assert f'name="{name}"' in str(form[name])
    assert 'type="radio"' in form["radio"][1].tag()
