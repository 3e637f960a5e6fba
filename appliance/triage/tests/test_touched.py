"""What is left to read is found among what was touched: the same as a look at every text finds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliance.accounts.models import User
from appliance.inference.bundle import BundleRef
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import pending_texts, services, work_queue
from appliance.triage.models import AnnotationLease, BackfillState, Passage, PendingText, Prediction
from appliance.triage.texts import article_text, digest


def ref(role: str, name: str = "one") -> BundleRef:
    return BundleRef(role=role, name=name, version="1", digest=f"{role} {name}", space=f"s-{name}")


REFS = {"classifier": ref("classifier"), "sentiment": ref("sentiment")}
ENCODER = {"encoder": ref("encoder")}


def say(ticket: Ticket, refs=REFS) -> None:
    """As the worker does: the bundles have read the ticket as it reads now."""
    for role, kind in work_queue.KIND_OF_ROLE.items():
        Prediction.objects.update_or_create(
            ticket=ticket,
            kind=kind,
            defaults={
                "confidence": 0.9,
                "bundle_digest": refs[role].digest,
                "text_sha256": digest(ticket.text),
            },
        )


def left(refs=REFS) -> list[int]:
    """What both ways to look find, which must be the same."""
    assert pending_texts.is_complete_for(AnnotationLease.Kind.TICKET, refs)
    found = work_queue.list_tickets_to_read(refs, 100)
    assert sorted(found) == sorted(
        work_queue.tickets_without_predictions(refs).values_list("pk", flat=True)
    )
    return found


def another(alice: User) -> Ticket:
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Holidays", description="Whom do I ask?", by=alice
    )


@pytest.fixture
def read(ticket: Ticket) -> Ticket:
    """A ticket that was read, on a desk that follows its bundles and has tidied up."""
    PendingText.objects.all().delete()  # what tests that commit left behind
    say(ticket)
    work_queue.keep_up(REFS)
    work_queue.keep_up(REFS)
    assert left() == [] and not PendingText.objects.exists()
    return ticket


def test_a_new_ticket_is_left_to_read_until_it_was_read(read, alice):
    fresh = another(alice)
    assert left() == [fresh.pk]
    work_queue.keep_up(REFS)
    assert left() == [fresh.pk]
    say(fresh)
    assert left() == []
    work_queue.keep_up(REFS)
    assert not PendingText.objects.exists()


def test_another_text_is_left_to_read(read):
    Ticket.objects.filter(pk=read.pk).update(description="Nothing of the kind.")
    assert left() == [read.pk]


def test_another_status_touches_nothing(read):
    Ticket.objects.filter(pk=read.pk).update(status="solved", subject=read.subject)
    assert not PendingText.objects.exists()


def test_what_was_said_and_is_older_or_gone_is_left_to_read(read):
    Prediction.objects.filter(ticket=read, kind="category").update(text_sha256="")
    assert left() == [read.pk]
    say(read)
    Prediction.objects.filter(ticket=read, kind="sentiment").delete()
    assert left() == [read.pk]


def test_other_bundles_are_followed_after_one_look_at_everything(read):
    others = {**REFS, "classifier": ref("classifier", "two")}
    assert not pending_texts.is_complete_for(AnnotationLease.Kind.TICKET, others)
    assert work_queue.list_tickets_to_read(others, 10) == [read.pk]  # exact before that, too
    work_queue.keep_up(others)
    assert left(others) == [read.pk]
    assert not pending_texts.is_complete_for(
        AnnotationLease.Kind.TICKET, REFS
    )  # and back again: another look
    work_queue.keep_up(REFS)
    assert left() == []


def test_a_bundle_that_went_away_is_followed_anew_when_it_is_back(read):
    without = {"sentiment": REFS["sentiment"]}
    assert left(without) == []
    work_queue.keep_up(without)
    Prediction.objects.filter(kind="category").delete()
    work_queue.keep_up(without)
    assert not pending_texts.is_complete_for(AnnotationLease.Kind.TICKET, REFS)
    work_queue.keep_up(REFS)
    assert left() == [read.pk]


def test_whoever_tidies_up_for_bundles_of_yesterday_takes_nothing_out(read, alice):
    fresh = another(alice)
    say(fresh)
    work_queue.keep_up({**REFS, "classifier": ref("classifier", "two")})
    before = PendingText.objects.count()
    pending_texts._prune(
        AnnotationLease.Kind.TICKET, REFS, work_queue.tickets_without_predictions(REFS)
    )
    assert PendingText.objects.count() == before


def test_articles_are_followed_like_tickets(bob):
    work_queue.keep_up(ENCODER)
    article = knowledge_services.write_article(
        by=bob, title="Paper", content="It is in the cellar."
    )
    assert work_queue.list_articles_to_read(ENCODER, 10) == [article.pk]
    passage = Passage.objects.create(
        article=article,
        position=0,
        text="t",
        space="s-one",
        vector=[1.0] * 384,
        text_sha256=digest(article_text(article)),
    )
    work_queue.keep_up(ENCODER)
    assert work_queue.list_articles_to_read(ENCODER, 10) == []
    passage.delete()
    assert work_queue.list_articles_to_read(ENCODER, 10) == [article.pk]
    Article.objects.filter(pk=article.pk).update(status=Article.Status.ARCHIVED)
    assert work_queue.list_articles_to_read(ENCODER, 10) == []
    Article.objects.filter(pk=article.pk).update(status=Article.Status.DRAFT)
    assert work_queue.list_articles_to_read(ENCODER, 10) == [article.pk]


def test_a_space_nobody_reads_goes_without_a_look_at_its_tickets(read):
    read.vectors.create(space="old", vector=[1.0] * 384, text_sha256="x")
    BackfillState.objects.create(kind="article", role="encoder", bundle="old")
    assert services.forget_space(space="old") == 1
    assert not PendingText.objects.exists()
    assert not BackfillState.objects.filter(bundle="old").exists()


def test_no_text_is_read_where_nothing_was_touched(read):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert work_queue.list_tickets_to_read(REFS, 10) == []
    assert "triage_pendingtext" in asked[-1]["sql"]


def test_the_nightly_check_believes_nothing_that_was_written_down(read):
    pending_texts.reset()
    Prediction.objects.all().delete()
    PendingText.objects.all().delete()  # as if a trigger had been off
    assert work_queue.list_tickets_to_read(REFS, 10) == [read.pk]


def test_the_touched_of_one_kind_are_found_by_their_index(bob):
    work_queue.keep_up(ENCODER)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO triage_pendingtext (kind, object_id) SELECT 'ticket', "
            "generate_series(1, 9000)"
        )
        cursor.execute("ANALYZE triage_pendingtext")
    touched_ones = pending_texts.only_pending(
        Article.objects.all(), AnnotationLease.Kind.ARTICLE, ENCODER
    )
    assert "pending_text_idx" in touched_ones.explain()
