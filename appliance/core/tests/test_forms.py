from django import forms

from appliance.core.errors import BadInputError
from appliance.core.forms import Form


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
