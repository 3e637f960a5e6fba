"""Pending texts are found among the queued ones, exactly as a scan of all texts finds them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliance.accounts.models import User
from appliance.inference.bundle import BundleRef
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import services, work_queue
from appliance.triage.models import BackfillState, Passage, PendingText, Prediction, TextKind
from appliance.triage.texts import article_text, digest


def ref(role: str, name: str = "one") -> BundleRef:
    return BundleRef(role=role, name=name, version="1", digest=f"{role} {name}", space=f"s-{name}")


REFS = {"classifier": ref("classifier"), "sentiment": ref("sentiment")}
ENCODER = {"encoder": ref("encoder")}


def annotate(ticket: Ticket, refs=REFS) -> None:
    """Write predictions for the ticket as the worker does."""
    for role, bundle in refs.items():
        Prediction.objects.update_or_create(
            ticket=ticket,
            kind=work_queue.KIND_OF_ROLE[role],
            defaults={
                "confidence": 0.9,
                "bundle_digest": bundle.digest,
                "text_sha256": digest(ticket.text),
            },
        )


def pending(refs=REFS) -> list[int]:
    """Return the pending tickets, which a scan of all tickets must find as well."""
    assert work_queue.is_backfilled(TextKind.TICKET, refs)
    ids = work_queue.list_pending_tickets(refs, 100)
    assert sorted(ids) == sorted(
        work_queue.tickets_without_predictions(refs).values_list("pk", flat=True)
    )
    return ids


def create_another(alice: User) -> Ticket:
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Holidays", description="Whom do I ask?", by=alice
    )


@pytest.fixture
def annotated(ticket: Ticket) -> Ticket:
    """An annotated ticket, after backfill and pruning."""
    PendingText.objects.all().delete()  # of tests that commit
    annotate(ticket)
    work_queue.refresh(REFS)
    work_queue.refresh(REFS)
    assert pending() == [] and not PendingText.objects.exists()
    return ticket


def test_new_ticket_is_pending_until_annotated(annotated, alice):
    fresh = create_another(alice)
    assert pending() == [fresh.pk]
    work_queue.refresh(REFS)
    assert pending() == [fresh.pk]
    annotate(fresh)
    assert pending() == []
    work_queue.refresh(REFS)
    assert not PendingText.objects.exists()


def test_changed_text_is_pending(annotated):
    Ticket.objects.filter(pk=annotated.pk).update(description="Nothing of the kind.")
    assert pending() == [annotated.pk]


def test_changed_status_queues_nothing(annotated):
    Ticket.objects.filter(pk=annotated.pk).update(status="solved", subject=annotated.subject)
    assert not PendingText.objects.exists()


def test_outdated_or_deleted_prediction_makes_a_ticket_pending(annotated):
    Prediction.objects.filter(ticket=annotated, kind="category").update(text_sha256="")
    assert pending() == [annotated.pk]
    annotate(annotated)
    Prediction.objects.filter(ticket=annotated, kind="sentiment").delete()
    assert pending() == [annotated.pk]


def test_other_bundles_need_one_backfill(annotated):
    others = {**REFS, "classifier": ref("classifier", "two")}
    assert not work_queue.is_backfilled(TextKind.TICKET, others)
    assert work_queue.list_pending_tickets(others, 10) == [annotated.pk]  # exact before that, too
    work_queue.refresh(others)
    assert pending(others) == [annotated.pk]
    assert not work_queue.is_backfilled(TextKind.TICKET, REFS)  # and back again: another look
    work_queue.refresh(REFS)
    assert pending() == []


def test_returning_bundle_needs_a_backfill(annotated):
    without = {"sentiment": REFS["sentiment"]}
    assert pending(without) == []
    work_queue.refresh(without)
    Prediction.objects.filter(kind="category").delete()
    work_queue.refresh(without)
    assert not work_queue.is_backfilled(TextKind.TICKET, REFS)
    work_queue.refresh(REFS)
    assert pending() == [annotated.pk]


def test_pruning_for_earlier_bundles_deletes_nothing(annotated, alice):
    fresh = create_another(alice)
    annotate(fresh)
    work_queue.refresh({**REFS, "classifier": ref("classifier", "two")})
    before = PendingText.objects.count()
    work_queue._prune(TextKind.TICKET, REFS, work_queue.tickets_without_predictions(REFS))
    assert PendingText.objects.count() == before


def test_articles_become_pending_like_tickets(bob):
    work_queue.refresh(ENCODER)
    article = knowledge_services.write_article(
        by=bob, title="Paper", content="It is in the cellar."
    )
    assert work_queue.list_pending_articles(ENCODER, 10) == [article.pk]
    passage = Passage.objects.create(
        article=article,
        position=0,
        text="t",
        space="s-one",
        vector=[1.0] * 384,
        text_sha256=digest(article_text(article)),
    )
    work_queue.refresh(ENCODER)
    assert work_queue.list_pending_articles(ENCODER, 10) == []
    passage.delete()
    assert work_queue.list_pending_articles(ENCODER, 10) == [article.pk]
    Article.objects.filter(pk=article.pk).update(status=Article.Status.ARCHIVED)
    assert work_queue.list_pending_articles(ENCODER, 10) == []
    Article.objects.filter(pk=article.pk).update(status=Article.Status.DRAFT)
    assert work_queue.list_pending_articles(ENCODER, 10) == [article.pk]


def test_deleting_a_space_queues_nothing(annotated):
    annotated.vectors.create(space="old", vector=[1.0] * 384, text_sha256="x")
    BackfillState.objects.create(kind="article", role="encoder", bundle="old")
    assert services.delete_space(space="old") == 1
    assert not PendingText.objects.exists()
    assert not BackfillState.objects.filter(bundle="old").exists()


def test_query_reads_the_queue_and_no_texts(annotated):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert work_queue.list_pending_tickets(REFS, 10) == []
    assert "triage_pendingtext" in queries[-1]["sql"]


def test_after_a_reset_all_texts_are_scanned(annotated):
    work_queue.reset()
    Prediction.objects.all().delete()
    PendingText.objects.all().delete()  # as if a trigger had failed
    assert work_queue.list_pending_tickets(REFS, 10) == [annotated.pk]


def test_pending_texts_are_found_by_their_index(bob):
    work_queue.refresh(ENCODER)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO triage_pendingtext (kind, object_id) SELECT 'ticket', "
            "generate_series(1, 9000)"
        )
        cursor.execute("ANALYZE triage_pendingtext")
    pending_articles = work_queue.filter_pending(Article.objects.all(), TextKind.ARTICLE, ENCODER)
    assert "pending_text_idx" in pending_articles.explain()
