import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Organisation, Role, User
from appliance.core import queries as core_queries
from appliance.knowledge.models import Article, ArticleFile, ArticleLink, ArticleVote
from appliance.macros.models import CannedResponse, Macro
from appliance.tickets.models import (
    Attachment,
    CustomField,
    Event,
    Mention,
    Rating,
    SavedView,
    Tag,
    Ticket,
    TicketCategory,
    TicketLink,
)
from appliance.web import demo
from conftest import PASSWORD

FORM = {
    "first_name": "Dan",
    "email": "dan@example.org",
    "desk_name": "Ward desk",
    "demo": "no",
    "password": PASSWORD,
    "password_again": PASSWORD,
    "categories": ["hardware", "email"],
}


@pytest.fixture
def link(db) -> str:
    return reverse("setup", args=[accounts_services.create_setup_link()])


def test_setup_creates_admin_name_and_categories(client, link):
    assert client.post(link, FORM).url == reverse("dashboard")
    assert User.objects.get().role == Role.ADMIN
    assert core_queries.site_settings().name == "Ward desk"
    assert {c.slug for c in TicketCategory.objects.all()} == {"hardware", "email"}
    assert "Ward desk" in client.get(reverse("dashboard")).content.decode()


def test_languages_of_tickets_are_chosen_in_the_setup(client, link):
    page = client.get(link, headers={"accept-language": "de"}).content.decode()
    assert re.findall(r'name="languages"[^>]*value="(\w+)"[^>]* checked', page) == ["en", "de"]
    client.post(link, FORM | {"languages": ["pl", "de"]})
    assert core_queries.desk_languages() == ["de", "pl"]


def test_setup_link_works_once(client, link):
    client.post(link, FORM)
    assert client.get(link).status_code == client.post(link, FORM).status_code == 404


def test_setup_link_does_not_work_once_there_is_an_admin(client, dan):
    link = reverse("setup", args=[accounts_services.create_setup_link()])
    assert client.get(link).status_code == 404


def test_unknown_setup_link_is_not_found(client, link):
    assert client.get(reverse("setup", args=["guess"])).status_code == 404


def test_invalid_form_does_not_use_up_the_link(client, link):
    assert client.post(link, FORM | {"password_again": "other"}).status_code == 400
    assert not User.objects.exists()
    assert client.post(link, FORM).status_code == 302


def test_setup_tells_all_that_is_wrong_with_a_password(client, link):
    faults = {"password": "short", "password_again": "shore"}
    page = client.post(link, FORM | faults).content.decode()
    assert "too short" in page and "do not match" in page


def test_demo_data_is_rich_and_loads_once(db):
    people = demo.load()
    assert not any(person.has_usable_password() for person in people)
    assert_demo_data_is_rich()
    before = (Ticket.objects.count(), Article.objects.count(), Event.objects.count())
    assert before[0] >= 150 and before[1] >= 40
    demo.load()
    assert (Ticket.objects.count(), Article.objects.count(), Event.objects.count()) == before
    assert not Ticket.objects.exclude(category=None).exists(), "the classifier sets categories"
    solved = Ticket.objects.exclude(solved_at=None)
    assert not solved.filter(solved_at__lte=F("created_at") + timedelta(minutes=10)).exists()


def assert_demo_data_is_rich() -> None:
    """Check that there is an object of every model, in every state that a page shows."""
    models = (
        ArticleFile,
        ArticleLink,
        ArticleVote,
        Attachment,
        CannedResponse,
        CustomField,
        Macro,
        Mention,
        Rating,
        SavedView,
        Tag,
        TicketLink,
    )
    assert [model.__name__ for model in models if not model.objects.exists()] == []
    assert {article.status for article in Article.objects.all()} == set(Article.Status)
    assert {article.audience for article in Article.objects.all()} == set(Article.Audience)
    assert Article.objects.filter(version__gt=1).exists()
    assert CannedResponse.objects.exclude(team=None).exists()
    assert Organisation.objects.filter(shares_tickets=True).exists()
    assert Ticket.objects.exclude(merged_into=None).exists()
    assert Ticket.objects.filter(fields__has_key="place").count() == Ticket.objects.count()


def test_demo_passwords_are_set_once_and_nobody_is_signed_out(client, db, settings, tmp_path):
    settings.DATA = tmp_path
    call_command("load_demo", stdout=StringIO())
    password = (tmp_path / "secrets" / "demo_password").read_text()
    bob, mei = (User.objects.get(email=f"{name}@stbrannoc.example") for name in ("bob", "mei"))
    assert bob.check_password(password)
    accounts_services.set_password(user=mei, password="a-rock-alone-in-the-sea")
    client.force_login(bob)
    call_command("load_demo", stdout=StringIO())
    assert client.get(reverse("profile")).status_code == 200
    mei.refresh_from_db()
    assert mei.check_password("a-rock-alone-in-the-sea")
