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
from appliance.triage import backlog, services, touched
from appliance.triage.models import Annotation, Attempt, LookedThrough, Passage, Touched
from appliance.triage.texts import article_text, digest


def ref(role: str, name: str = "one") -> BundleRef:
    return BundleRef(role=role, name=name, version="1", digest=f"{role} {name}", space=f"s-{name}")


REFS = {"classifier": ref("classifier"), "sentiment": ref("sentiment")}
ENCODER = {"encoder": ref("encoder")}


def say(ticket: Ticket, refs=REFS) -> None:
    """As the worker does: the bundles have read the ticket as it reads now."""
    for role, kind in backlog.KIND_OF_ROLE.items():
        Annotation.objects.update_or_create(
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
    assert touched.is_followed(Attempt.Kind.TICKET, refs)
    found = backlog.list_tickets_to_read(refs, 100)
    assert sorted(found) == sorted(backlog.tickets_lacking(refs).values_list("pk", flat=True))
    return found


def another(alice: User) -> Ticket:
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Holidays", description="Whom do I ask?", by=alice
    )


@pytest.fixture
def read(ticket: Ticket) -> Ticket:
    """A ticket that was read, on a desk that follows its bundles and has tidied up."""
    Touched.objects.all().delete()  # what tests that commit left behind
    say(ticket)
    backlog.keep_up(REFS)
    backlog.keep_up(REFS)
    assert left() == [] and not Touched.objects.exists()
    return ticket


def test_a_new_ticket_is_left_to_read_until_it_was_read(read, alice):
    fresh = another(alice)
    assert left() == [fresh.pk]
    backlog.keep_up(REFS)
    assert left() == [fresh.pk]
    say(fresh)
    assert left() == []
    backlog.keep_up(REFS)
    assert not Touched.objects.exists()


def test_another_text_is_left_to_read(read):
    Ticket.objects.filter(pk=read.pk).update(description="Nothing of the kind.")
    assert left() == [read.pk]


def test_another_status_touches_nothing(read):
    Ticket.objects.filter(pk=read.pk).update(status="solved", subject=read.subject)
    assert not Touched.objects.exists()


def test_what_was_said_and_is_older_or_gone_is_left_to_read(read):
    Annotation.objects.filter(ticket=read, kind="category").update(text_sha256="")
    assert left() == [read.pk]
    say(read)
    Annotation.objects.filter(ticket=read, kind="sentiment").delete()
    assert left() == [read.pk]


def test_other_bundles_are_followed_after_one_look_at_everything(read):
    others = {**REFS, "classifier": ref("classifier", "two")}
    assert not touched.is_followed(Attempt.Kind.TICKET, others)
    assert backlog.list_tickets_to_read(others, 10) == [read.pk]  # exact before that, too
    backlog.keep_up(others)
    assert left(others) == [read.pk]
    assert not touched.is_followed(Attempt.Kind.TICKET, REFS)  # and back again: another look
    backlog.keep_up(REFS)
    assert left() == []


def test_a_bundle_that_went_away_is_followed_anew_when_it_is_back(read):
    without = {"sentiment": REFS["sentiment"]}
    assert left(without) == []
    backlog.keep_up(without)
    Annotation.objects.filter(kind="category").delete()
    backlog.keep_up(without)
    assert not touched.is_followed(Attempt.Kind.TICKET, REFS)
    backlog.keep_up(REFS)
    assert left() == [read.pk]


def test_whoever_tidies_up_for_bundles_of_yesterday_takes_nothing_out(read, alice):
    fresh = another(alice)
    say(fresh)
    backlog.keep_up({**REFS, "classifier": ref("classifier", "two")})
    before = Touched.objects.count()
    touched._tidy(Attempt.Kind.TICKET, REFS, backlog.tickets_lacking(REFS))
    assert Touched.objects.count() == before


def test_articles_are_followed_like_tickets(bob):
    backlog.keep_up(ENCODER)
    article = knowledge_services.write_article(
        by=bob, title="Paper", content="It is in the cellar."
    )
    assert backlog.list_articles_to_read(ENCODER, 10) == [article.pk]
    passage = Passage.objects.create(
        article=article,
        position=0,
        text="t",
        space="s-one",
        vector=[1.0] * 384,
        text_sha256=digest(article_text(article)),
    )
    backlog.keep_up(ENCODER)
    assert backlog.list_articles_to_read(ENCODER, 10) == []
    passage.delete()
    assert backlog.list_articles_to_read(ENCODER, 10) == [article.pk]
    Article.objects.filter(pk=article.pk).update(status=Article.Status.ARCHIVED)
    assert backlog.list_articles_to_read(ENCODER, 10) == []
    Article.objects.filter(pk=article.pk).update(status=Article.Status.DRAFT)
    assert backlog.list_articles_to_read(ENCODER, 10) == [article.pk]


def test_a_space_nobody_reads_goes_without_a_look_at_its_tickets(read):
    read.vectors.create(space="old", vector=[1.0] * 384, text_sha256="x")
    LookedThrough.objects.create(kind="article", role="encoder", bundle="old")
    assert services.forget_space(space="old") == 1
    assert not Touched.objects.exists()
    assert not LookedThrough.objects.filter(bundle="old").exists()


def test_no_text_is_read_where_nothing_was_touched(read):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert backlog.list_tickets_to_read(REFS, 10) == []
    assert "triage_touched" in asked[-1]["sql"]


def test_the_nightly_check_believes_nothing_that_was_written_down(read):
    touched.look_again()
    Annotation.objects.all().delete()
    Touched.objects.all().delete()  # as if a trigger had been off
    assert backlog.list_tickets_to_read(REFS, 10) == [read.pk]


def test_the_touched_of_one_kind_are_found_by_their_index(bob):
    backlog.keep_up(ENCODER)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO triage_touched (kind, object_id) SELECT 'ticket', generate_series(1, 9000)"
        )
        cursor.execute("ANALYZE triage_touched")
    touched_ones = touched.narrowed(Article.objects.all(), Attempt.Kind.ARTICLE, ENCODER)
    assert "touched_text_idx" in touched_ones.explain()
