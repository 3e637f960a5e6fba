"""Tickets are classified again after a category changed; admins can preview a text."""

from appliance.tickets import services as tickets_services
from appliance.triage import classifier, engine, services, work_queue
from appliance.triage.models import Prediction
from appliance.triage.texts import digest


def create_prediction(ticket, label: str, bundle_digest: str = "d") -> None:
    Prediction.objects.create(
        ticket=ticket,
        kind="category",
        label=label,
        confidence=0.3,
        bundle_digest=bundle_digest,
        text_sha256=digest(ticket.text),
    )


def is_stale(ticket) -> bool:
    return Prediction.objects.get(ticket=ticket).text_sha256 == ""


def test_open_unclassified_ticket_becomes_pending(ticket, bundles):
    create_prediction(ticket, "")
    assert services.reconsider_unsure() == 1
    assert ticket.pk in work_queue.list_pending_tickets(work_queue.refs_at_hand(), 10)


def test_classified_ticket_stays_as_it_is(ticket, categories):
    create_prediction(ticket, "printing")
    assert services.reconsider_unsure() == 0 and not is_stale(ticket)


def test_category_a_person_chose_stays_as_it_is(ticket, categories, bob):
    create_prediction(ticket, "")
    tickets_services.set_category(ticket=ticket, category=next(iter(categories.values())), by=bob)
    assert services.reconsider_unsure() == 0 and not is_stale(ticket)


def test_solved_ticket_stays_as_it_is(ticket, bob):
    create_prediction(ticket, "")
    tickets_services.set_status(ticket=ticket, status="solved", by=bob)
    assert services.reconsider_unsure() == 0


def test_preview_has_a_score_for_every_category(categories, bundles):
    engine.current().classify("warm up", classifier.labels())  # loads the bundles
    preview = classifier.preview_category("I forgot my password and my account is locked")
    assert len(preview.scores) == len(categories)
    assert round(sum(share for _, share in preview.scores), 3) == 1


def test_without_categories_there_is_no_preview(db):
    assert classifier.preview_category("anything") is None
