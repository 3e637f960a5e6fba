"""Invisible characters and NUL in every form: dropped, or refused when nothing else is left."""

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, User
from appliance.core.forms import Form
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW_TICKET = {"subject": "Help", "description": "Text", "priority": "2", "channel": "phone"}


class SampleForm(Form):
    name = forms.CharField()
    email = forms.EmailField()
    text = forms.CharField(widget=forms.Textarea)
    password = forms.CharField(widget=forms.PasswordInput, strip=False)


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_each_kind_of_field_is_cleaned_in_its_way():
    text = "\n\n    indented\r\nمی\u200cخواهم\u200b \x07 \n "
    form = SampleForm(
        {
            "name": " \u202eBo\u200bb\ufeff ",
            "email": "\u200bＢob@x.org",
            "text": text,
            "password": " \u200b a ",
        }
    )
    assert form.is_valid()
    assert form.cleaned_data == {
        "name": "Bob",
        "email": "Bob@x.org",
        "text": "    indented\nمی\u200cخواهم\u200b",
        "password": " \u200b a ",
    }


def test_what_is_empty_then_is_refused():
    blank = "\u200b\u2060\ufeff"
    form = SampleForm({"name": blank, "email": blank, "text": " \x00\n", "password": "x"})
    assert set(form.errors) == {"name", "email", "text"}


def test_refused_form_shows_the_cleaned_text():
    form = SampleForm({"name": "Bo\u200bb", "text": "a\r\nb"})
    assert 'value="Bob"' in str(form["name"])
    assert "\na\nb</textarea>" in str(form["text"])


@pytest.mark.parametrize("path", ["create-ticket", "dashboard", "search", "find-customers"])
@pytest.mark.parametrize("value", ["a\0b", "\0", "%00"])
def test_nul_in_a_query_string_is_dropped(bob, path, value):
    response = log_in(bob).get(reverse(path), {"q": value, "text": value, "customer": value})
    assert response.status_code in (200, 302)


def test_nul_in_a_form_is_dropped(bob, alice):
    form = NEW_TICKET | {"subject": "He\0lp", "description": "a\0b"}
    response = log_in(bob).post(
        reverse("create-ticket"), form | {"customer_email": "ali\0ce@example.org", "x\0y": "z"}
    )
    assert response.status_code == 302
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.description, ticket.customer) == ("Help", "ab", alice.customer)


def test_subject_tag_and_address_lose_invisible_characters(bob, alice):
    form = NEW_TICKET | {
        "subject": "\u200bHelp\u00ad me",
        "customer_email": "alice@exam\u200bple.org",
    }
    log_in(bob).post(reverse("create-ticket"), form)
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.customer) == ("Help me", alice.customer)
    tickets_services.set_tags(ticket=ticket, names=["vi\u200bp", "\u200b"], by=bob)
    assert [tag.name for tag in ticket.tags.all()] == ["vip"]


def test_subject_of_invisible_characters_is_refused(alice):
    response = log_in(alice).post(
        reverse("create-ticket"), NEW_TICKET | {"subject": "\u200b\u2060"}
    )
    assert response.status_code == 400
    assert not Ticket.objects.exists()


def test_person_logs_in_with_what_was_copied(client, alice):
    form = {"login": "\u200balice@example.org\ufeff", "password": PASSWORD}
    assert client.post(reverse("account_login"), form).status_code == 302


def test_one_address_is_one_customer(db):
    customer = accounts_services.ensure_customer(email="new@x.org", first_name="New")
    for typed in ("NEW@x.org ", "n\u200bew@x.org", "ｎｅｗ@x.org"):
        assert accounts_services.ensure_customer(email=typed, first_name="N") == customer
    assert Customer.objects.filter(email="new@x.org").count() == 1


def test_empty_file_among_several_is_named(alice):
    files = [SimpleUploadedFile("good.txt", b"x"), SimpleUploadedFile("bad.txt", b"")]
    response = log_in(alice).post(reverse("create-ticket"), NEW_TICKET | {"files": files})
    assert response.status_code == 400
    assert "“bad.txt” is empty" in response.content.decode()
    assert "“good.txt”" not in response.content.decode()
