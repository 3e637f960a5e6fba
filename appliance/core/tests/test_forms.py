from django import forms

from appliance.core.errors import BadInputError
from appliance.core.forms import Form


class Words(Form):
    body = forms.CharField(widget=forms.Textarea)


def test_lines_end_as_they_do_in_the_database():
    form = Words({"body": "one\r\ntwo\rthree\n"})
    assert form.is_valid() and form.cleaned_data["body"] == "one\ntwo\nthree"


def test_what_a_service_refuses_stands_at_its_field():
    def refuse() -> None:
        raise BadInputError("Too short.", field="body")

    form = Words({"body": "x"})
    assert form.is_valid() and form.attempt(refuse) is None
    assert form.errors == {"body": ["Too short."]}
