from django import forms
from django.template.loader import render_to_string

from appliance.core.errors import BadInputError
from appliance.core.forms import Form, IdempotentForm


class BodyForm(Form):
    body = forms.CharField(widget=forms.Textarea)


def test_line_ends_become_lf():
    form = BodyForm({"body": "one\r\ntwo\rthree\n"})
    assert form.is_valid() and form.cleaned_data["body"] == "one\ntwo\nthree"


def test_bad_input_error_becomes_an_error_of_its_field():
    def refuse() -> None:
        raise BadInputError("Too short.", field="body")

    form = BodyForm({"body": "x"})
    assert form.is_valid() and form.attempt(refuse) is None
    assert form.errors == {"body": ["Too short."]}


class SentForm(Form):
    """A form with a hidden field, and one that a button sends."""

    body = forms.CharField()
    version = forms.IntegerField(label="Version you saw", widget=forms.HiddenInput)
    verb = forms.ChoiceField(label="Step", choices=[("go", "Go")])
    without_error = ("verb",)


def test_errors_of_fields_that_show_none_stand_at_the_top_with_their_label():
    form = SentForm({"body": "", "version": "x", "verb": "stay"})
    form.add_error(None, "Too late.")
    assert form.top_errors() == [
        "Too late.",
        "Version you saw: Enter a whole number.",
        "Step: Select a valid choice. stay is not one of the available choices.",
    ]
    assert form.count_marked_fields() == 1


def test_form_names_reasons_and_counts_marked_fields():
    form = SentForm({"body": "", "version": "x", "verb": "go"})
    html = render_to_string("core/_form_errors.html", {"form": form})
    assert "Version you saw: Enter a whole number." in html
    assert "correct the highlighted field." in html
    form = SentForm({"body": "x", "version": "x", "verb": "go"})
    assert "highlighted" not in render_to_string("core/_form_errors.html", {"form": form})


def test_damaged_idempotency_key_counts_as_none():
    form = IdempotentForm({"idempotency_key": "damaged"})
    assert form.is_valid() and form.key() != form.key()
