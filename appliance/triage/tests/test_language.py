"""The language of a ticket is recognised with its predictions, without models, and for old tickets;
what an agent chose stays.
"""

import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.reports.models import StaleTicket
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Ticket
from appliance.triage import engine, services, work_queue
from appliance.triage.models import PendingText, Prediction
from appliance.triage.suggestions import list_suggestions

GERMAN = "Seit heute Morgen kommen aus dem Drucker auf Station 3 nur leere Seiten."
FINNISH = "Tulostin ei ole tulostanut mitään aamusta asti, voisitteko auttaa?"  # no bundle knows it


def create(alice: User, text: str) -> Ticket:
    return tickets_services.create_ticket(
        customer=alice.customer, subject=text[:60], description=text, by=alice
    )


def stored_language(ticket: Ticket) -> str:
    return Ticket.objects.get(pk=ticket.pk).language


@pytest.fixture
def without_models(settings, tmp_path) -> None:
    settings.MODELS = tmp_path


@pytest.mark.usefixtures("bundles", "categories")
def test_language_is_stored_with_the_predictions(alice):
    ticket = create(alice, GERMAN)
    assert services.annotate(ticket.pk)
    assert stored_language(ticket) == "de"
    event = ticket.events.get(kind=Event.Kind.CLASSIFIED)
    assert event.data["language"] == "de" and "py3langid" not in event.actor_name


@pytest.mark.usefixtures("without_models")
def test_language_is_recognised_without_models_and_writes_no_event(alice, ticket):
    german = create(alice, GERMAN)
    before = Event.objects.count()
    assert services.catch_up() == 2
    assert (stored_language(german), stored_language(ticket)) == ("de", "en")
    assert Event.objects.count() == before
    assert services.catch_up() == 0


@pytest.mark.usefixtures("without_models")
def test_language_of_old_tickets_is_recognised_by_the_worker(ticket):
    services.catch_up()
    Prediction.objects.filter(kind=Prediction.Kind.LANGUAGE).delete()
    Ticket.objects.update(language="")
    PendingText.objects.all().delete()  # as on a desk of a version that did not know languages
    work_queue.reset()
    updated_at = Ticket.objects.get().updated_at
    assert services.catch_up() == 1
    assert stored_language(ticket) == "en"
    assert Ticket.objects.get().updated_at == updated_at


@pytest.mark.usefixtures("without_models")
def test_corrected_text_is_recognised_again(ticket, bob):
    services.catch_up()
    Ticket.objects.filter(pk=ticket.pk).update(description=GERMAN * 3)
    tickets_services.set_subject(ticket=ticket, subject="Leere Seiten aus dem Drucker", by=bob)
    assert services.annotate(ticket.pk)
    assert stored_language(ticket) == "de"


@pytest.mark.usefixtures("without_models")
def test_language_an_agent_chose_stays(ticket, bob):
    tickets_services.set_language(ticket=ticket, language="nl", by=bob)
    services.catch_up()
    assert stored_language(ticket) == "nl"
    tickets_services.set_language(ticket=ticket, language="", by=bob)
    tickets_services.set_subject(ticket=ticket, subject="Printer is broken", by=bob)
    services.catch_up()
    assert stored_language(ticket) == ""


@pytest.mark.usefixtures("without_models")
def test_other_languages_of_the_desk_are_asked_again(
    alice, dan, django_capture_on_commit_callbacks
):
    ticket = create(alice, "Passwort vergessen")
    accounts_services.update_site_settings(by=dan, languages=["en", "fr"])
    services.catch_up()
    before = Prediction.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.update_site_settings(by=dan, languages=["en", "de"])
    assert services.catch_up() == 1
    assert Prediction.objects.get().confidence > before.confidence
    assert stored_language(ticket) == "de"


@pytest.mark.usefixtures("without_models")
def test_report_counts_the_days_of_a_recognised_ticket_again(ticket):
    StaleTicket.objects.all().delete()
    services.catch_up()
    assert StaleTicket.objects.get().ticket_id == ticket.pk


def test_choosing_a_language_is_an_event(ticket, bob, alice):
    tickets_services.set_language(ticket=ticket, language="pl", by=bob)
    tickets_services.set_language(ticket=ticket, language="pl", by=bob)
    event = ticket.events.get(kind=Event.Kind.LANGUAGE)
    assert (event.actor, event.before, event.after) == (bob, "", "Polish")
    with pytest.raises(ForbiddenError):
        tickets_services.set_language(ticket=ticket, language="de", by=alice)
    with pytest.raises(BadInputError):
        tickets_services.set_language(ticket=ticket, language="xx", by=bob)


@pytest.mark.usefixtures("bundles", "categories")
def test_text_in_an_unmeasured_language_gets_suggestions_by_words_and_votes_only(alice, bob):
    ticket = create(alice, f"{FINNISH} Kestrel, Lumira")
    services.annotate(ticket.pk)
    near = write_article(bob, "Tulostin ei tulosta", "Tulostin ei ole tulostanut mitään.")
    by_word = write_article(bob, "Kestrel restarts", "Lumira is restarted by the operators.")
    write_article(bob, "Kestrel", "It is in every second article.")
    suggestions = list_suggestions(bob, ticket)
    assert {suggestion.article for suggestion in suggestions} == {near, by_word}
    assert all(suggestion.closeness is None for suggestion in suggestions)


@pytest.mark.usefixtures("bundles", "categories")
def test_page_says_the_language_and_why_there_is_no_category(alice, bob, client, monkeypatch):
    monkeypatch.setattr(engine, "find_languages", lambda role: ("en", "fr"))
    monkeypatch.setattr(engine.current(), "supports", lambda role, text: False)
    ticket = create(alice, GERMAN)
    services.annotate(ticket.pk)
    Prediction.objects.exclude(kind="language").update(label="", is_other_language=True)
    client.force_login(bob)
    page = " ".join(client.get(reverse("ticket", args=[ticket.pk])).content.decode().split())
    assert "Language of this text: <strong>German</strong>." in page
    assert "the models were measured on other languages only (English, French)" in page
    assert '<option value="de" selected>German</option>' in page


def write_article(bob: User, title: str, content: str) -> Article:
    article = knowledge_services.write_article(
        by=bob, title=title, content=content, status="published"
    )
    services.refresh_article(article.pk)
    return article
