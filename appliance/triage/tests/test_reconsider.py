"""New words for a category reach the tickets nobody could sort, and only those."""

from appliance.tickets import services as tickets_services
from appliance.triage import classifier_preview, engine, services, work_queue
from appliance.triage.models import Prediction
from appliance.triage.texts import digest


def said(ticket, label: str, digest_of: str = "d") -> None:
    Prediction.objects.create(
        ticket=ticket,
        kind="category",
        label=label,
        confidence=0.3,
        bundle_digest=digest_of,
        text_sha256=digest(ticket.text),
    )


def stale(ticket) -> bool:
    return Prediction.objects.get(ticket=ticket).text_sha256 == ""


def test_an_open_ticket_nobody_could_sort_is_read_again(ticket, bundles):
    said(ticket, "")
    assert services.reconsider_unsure() == 1
    assert ticket.pk in work_queue.list_tickets_to_read(work_queue.refs_at_hand(), 10)


def test_a_sorted_ticket_is_left_alone(ticket, categories):
    said(ticket, "printing")
    assert services.reconsider_unsure() == 0 and not stale(ticket)


def test_what_a_person_chose_is_left_alone(ticket, categories, bob):
    said(ticket, "")
    tickets_services.set_category(ticket=ticket, category=next(iter(categories.values())), by=bob)
    assert services.reconsider_unsure() == 0 and not stale(ticket)


def test_a_solved_ticket_is_left_alone(ticket, bob):
    said(ticket, "")
    tickets_services.set_status(ticket=ticket, status="solved", by=bob)
    assert services.reconsider_unsure() == 0


def test_a_sentence_is_sorted_as_a_ticket_would_be(categories, bundles):
    engine.current().classify("warm up", work_queue.labels())  # as a running desk has done
    found = classifier_preview.sort_sample("I forgot my password and my account is locked")
    assert len(found.scores) == len(categories)
    assert round(sum(share for _, share in found.scores), 3) == 1


def test_a_desk_without_categories_sorts_nothing(db):
    assert classifier_preview.sort_sample("anything") is None
