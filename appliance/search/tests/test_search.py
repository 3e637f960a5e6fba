"""Search finds by number, by words, with typos and by meaning, and only what the viewer sees."""

import pytest
from django.core.cache import cache as stored

from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.search.queries import Results, search
from appliance.search.services import update_vocabulary
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services

pytestmark = pytest.mark.usefixtures("bundles")
HOSTILE = [
    "",
    "   ",
    "\0",
    "'",
    '"',
    '"unclosed phrase',
    "&|!:*()",
    "a & | ! b:* <-> (c",
    "-",
    "-printer",
    "or",
    "\\",
    "%_",
    "🖨️🖨️",
    "\ud800",
    "SKR-99999999999999999999",
    "#0",
    "x" * 10_000,
    "word " * 5_000,
    "the of and",
]


@pytest.fixture
def article(bob) -> Article:
    made = knowledge_services.write_article(
        by=bob,
        title="Kestrel closes with 0x8004de80",
        content="The profile is **damaged**. Rename the folder *Kestrel* and sign in again.",
        status="published",
    )
    triage_services.refresh_article(made.pk)
    return made


@pytest.fixture
def read_ticket(ticket, categories) -> Ticket:
    triage_services.annotate(ticket.pk)
    return ticket


def found(results: Results) -> list[tuple[str, int]]:
    return [(hit.kind, hit.id) for hit in results.hits]


@pytest.mark.parametrize("text", ["SKR-{}", "skr-{}", "#{}", "{}", "about #{} please"])
def test_a_ticket_number_leads_to_its_ticket(read_ticket, article, bob, text):
    first = search(bob, text.format(read_ticket.pk)).hits[0]
    assert (first.kind, first.id, first.matched_by[0]) == ("ticket", read_ticket.pk, "exact")


@pytest.mark.parametrize(
    "text, why",
    [
        ("printer blank pages", "words"),
        ("printing blank pag", "words"),
        ("pritner blank", "typo"),
        ("sheets come out white", "meaning"),
    ],
)
def test_ways_to_find_a_ticket(read_ticket, article, bob, text, why):
    first = search(bob, text).hits[0]
    assert (first.kind, first.id) == ("ticket", read_ticket.pk)
    assert why in first.matched_by


@pytest.mark.usefixtures("article")
def test_a_slip_finds_what_the_word_would_have_found(read_ticket, bob):
    update_vocabulary(seconds=60)
    slipped, spelled = (search(bob, text).hits[0] for text in ("pirnter", "printer"))
    assert (slipped.kind, slipped.id) == (spelled.kind, spelled.id) == ("ticket", read_ticket.pk)
    assert set(slipped.matched_by) == {"typo", "meaning"}


def test_an_error_code_stands_above_what_merely_means_the_same(article, bob):
    other = knowledge_services.write_article(
        by=bob, title="Kestrel closes with an error", content="Restart it.", status="published"
    )
    triage_services.refresh_article(other.pk)
    first, second = search(bob, "Kestrel closes with an error 0x8004de80").hits
    assert (first.id, first.matched_by[0], second.id) == (article.pk, "exact", other.pk)


def test_carol_finds_nothing_of_alice(read_ticket, carol):
    for text in ("printer blank pages", f"SKR-{read_ticket.pk}", "pritner", "white sheets"):
        results = search(carol, text)
        assert (results.hits, results.totals["tickets"]) == ([], 0)


def test_a_draft_is_found_by_agents_alone(article, alice, bob):
    Article.objects.update(status=Article.Status.DRAFT)
    assert found(search(alice, "Kestrel 0x8004de80")) == []
    assert found(search(bob, "Kestrel 0x8004de80")) == [("article", article.pk)]


def test_somebody_switched_off_finds_nothing(article, alice):
    alice.is_active = False
    assert search(alice, "Kestrel").hits == []


def test_one_kind_alone(read_ticket, article, bob):
    both = "Kestrel closes, printer prints blank pages"
    assert set(found(search(bob, both))) == {("article", article.pk), ("ticket", read_ticket.pk)}
    assert found(search(bob, both, kind="articles")) == [("article", article.pk)]
    assert found(search(bob, both, kind="tickets")) == [("ticket", read_ticket.pk)]


@pytest.mark.parametrize("nonsense", ["zzzz", "who won the world cup in 1998", "goulash recipe"])
def test_what_nobody_wrote_about_is_not_found(read_ticket, article, bob, nonsense):
    assert search(bob, nonsense).hits == []


def test_without_the_encoder_words_and_typos_still_find(
    read_ticket, article, bob, settings, tmp_path
):
    settings.MODELS = tmp_path
    for text in ("printer blank", "printr blank", f"#{read_ticket.pk}"):
        results = search(bob, text)
        assert not results.meaning_available
        assert found(results)[0] == ("ticket", read_ticket.pk)


def test_a_phrase_must_stand_as_it_was_typed(read_ticket, bob):
    assert "exact" in search(bob, '"blank pages"').hits[0].matched_by
    assert "words" not in search(bob, '"pages blank"').hits[0].matched_by


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_answered(read_ticket, article, alice, bob, text):
    for viewer in (alice, bob):
        assert isinstance(search(viewer, text).hits, list)


@pytest.mark.parametrize("after", ["", "nonsense", "ticket-0", "article-99999999999999999999"])
def test_any_page_is_answered(article, bob, after):
    for limit in (-5, 0, 10**9):
        assert found(search(bob, "Kestrel", limit=limit, cursor=after)) == [("article", article.pk)]


def test_the_second_page_goes_on_where_the_first_ended(alice, bob):
    for number in range(5):
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Toner {number}", description="empty", by=alice
        )
    first = search(bob, "toner", limit=3)
    second = search(bob, "toner", limit=3, cursor=first.next)
    assert (first.previous, bool(first.next), second.previous, second.next) == (None, True, "", "")
    assert len({*found(first), *found(second)}) == 5


def test_a_snippet_marks_the_words_and_obeys_no_markup(alice, bob):
    tickets_services.create_ticket(
        customer=alice.customer,
        subject="Script",
        description="<script>alert(1)</script> toner",
        by=alice,
    )
    html = search(bob, "toner").hits[0].snippet
    assert html == "&lt;script&gt;alert(1)&lt;/script&gt; <mark>toner</mark>"


def test_an_article_is_shown_without_its_marks(article, bob):
    assert "*" not in search(bob, "damaged profile").hits[0].snippet


def test_a_flushed_cache_changes_no_hit(read_ticket, article, bob):
    first = found(search(bob, "white sheets"))
    stored.clear()
    assert found(search(bob, "white sheets")) == first


def test_a_ticket_of_a_megabyte_is_found(alice, bob):
    body = " ".join(f"word{number}" for number in range(130_000))
    made = tickets_services.create_ticket(
        customer=alice.customer, subject="Long log", description=body, by=alice
    )
    assert found(search(bob, "long log word77"))[0] == ("ticket", made.pk)
