"""Search by number, words, corrected spelling and meaning."""

import pytest
from django.core.cache import cache

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
    article = knowledge_services.write_article(
        by=bob,
        title="Kestrel closes with 0x8004de80",
        content="The profile is **damaged**. Rename the folder *Kestrel* and sign in again.",
        status="published",
    )
    triage_services.refresh_article(article.pk)
    return article


@pytest.fixture
def embedded_ticket(ticket, categories) -> Ticket:
    triage_services.annotate(ticket.pk)
    return ticket


def keys(results: Results) -> list[tuple[str, int]]:
    return [(hit.kind, hit.id) for hit in results.hits]


@pytest.mark.parametrize("text", ["SKR-{}", "skr-{}", "#{}", "{}", "about #{} please"])
def test_ticket_number_is_the_first_hit(embedded_ticket, article, bob, text):
    first = search(bob, text.format(embedded_ticket.pk)).hits[0]
    assert (first.kind, first.id, first.matched_by[0]) == ("ticket", embedded_ticket.pk, "exact")


@pytest.mark.parametrize(
    ("text", "retriever"),
    [
        ("printer blank pages", "words"),
        ("printing blank pag", "words"),
        ("pritner blank", "typo"),
        ("sheets come out white", "meaning"),
    ],
)
def test_each_retriever_finds_the_ticket(embedded_ticket, article, bob, text, retriever):
    first = search(bob, text).hits[0]
    assert (first.kind, first.id) == ("ticket", embedded_ticket.pk)
    assert retriever in first.matched_by


@pytest.mark.usefixtures("article")
def test_mistyped_word_finds_the_same_ticket(embedded_ticket, bob):
    update_vocabulary(seconds=60)
    mistyped, spelled = (search(bob, text).hits[0] for text in ("pirnter", "printer"))
    assert (
        (mistyped.kind, mistyped.id) == (spelled.kind, spelled.id) == ("ticket", embedded_ticket.pk)
    )
    assert set(mistyped.matched_by) == {"typo", "meaning"}


def test_error_code_ranks_above_similar_meaning(article, bob):
    other = knowledge_services.write_article(
        by=bob, title="Kestrel closes with an error", content="Restart it.", status="published"
    )
    triage_services.refresh_article(other.pk)
    first, second = search(bob, "Kestrel closes with an error 0x8004de80").hits
    assert (first.id, first.matched_by[0], second.id) == (article.pk, "exact", other.pk)


def test_customer_cannot_find_another_customers_ticket(embedded_ticket, carol):
    for text in ("printer blank pages", f"SKR-{embedded_ticket.pk}", "pritner", "white sheets"):
        results = search(carol, text)
        assert (results.hits, results.totals["tickets"]) == ([], 0)


def test_draft_is_found_only_by_agents(article, alice, bob):
    Article.objects.update(status=Article.Status.DRAFT)
    assert keys(search(alice, "Kestrel 0x8004de80")) == []
    assert keys(search(bob, "Kestrel 0x8004de80")) == [("article", article.pk)]


def test_inactive_user_finds_nothing(article, alice):
    alice.is_active = False
    assert search(alice, "Kestrel").hits == []


def test_search_within_one_kind(embedded_ticket, article, bob):
    both = "Kestrel closes, printer prints blank pages"
    assert set(keys(search(bob, both))) == {
        ("article", article.pk),
        ("ticket", embedded_ticket.pk),
    }
    assert keys(search(bob, both, kind="articles")) == [("article", article.pk)]
    assert keys(search(bob, both, kind="tickets")) == [("ticket", embedded_ticket.pk)]


@pytest.mark.parametrize("nonsense", ["zzzz", "who won the world cup in 1998", "goulash recipe"])
def test_unrelated_queries_have_no_hits(embedded_ticket, article, bob, nonsense):
    assert search(bob, nonsense).hits == []


def test_search_without_encoder_uses_words_and_typos(
    embedded_ticket, article, bob, settings, tmp_path
):
    settings.MODELS = tmp_path
    for text in ("printer blank", "printr blank", f"#{embedded_ticket.pk}"):
        results = search(bob, text)
        assert not results.meaning_available
        assert keys(results)[0] == ("ticket", embedded_ticket.pk)


def test_phrase_matches_in_order(embedded_ticket, bob):
    assert "exact" in search(bob, '"blank pages"').hits[0].matched_by
    assert "words" not in search(bob, '"pages blank"').hits[0].matched_by


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_accepted(embedded_ticket, article, alice, bob, text):
    for viewer in (alice, bob):
        assert isinstance(search(viewer, text).hits, list)


@pytest.mark.parametrize("cursor", ["", "nonsense", "ticket-0", "article-99999999999999999999"])
def test_any_cursor_and_limit_is_accepted(article, bob, cursor):
    for limit in (-5, 0, 10**9):
        assert keys(search(bob, "Kestrel", limit=limit, cursor=cursor)) == [("article", article.pk)]


def test_second_page_continues_after_the_first(alice, bob):
    for number in range(5):
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Toner {number}", description="empty", by=alice
        )
    first = search(bob, "toner", limit=3)
    second = search(bob, "toner", limit=3, cursor=first.next)
    assert (first.previous, bool(first.next), second.previous, second.next) == (None, True, "", "")
    assert len({*keys(first), *keys(second)}) == 5


def test_snippet_is_highlighted_and_escaped(alice, bob):
    tickets_services.create_ticket(
        customer=alice.customer,
        subject="Script",
        description="<script>alert(1)</script> toner",
        by=alice,
    )
    html = search(bob, "toner").hits[0].snippet
    assert html == "&lt;script&gt;alert(1)&lt;/script&gt; <mark>toner</mark>"


def test_words_that_say_nothing_are_not_marked(alice, bob):
    tickets_services.create_ticket(
        customer=alice.customer, subject="The toner", description="Not the toner", by=alice
    )
    assert search(bob, "the toner").hits[0].snippet == "Not the <mark>toner</mark>"


def test_article_snippet_has_no_markdown(article, bob):
    assert "*" not in search(bob, "damaged profile").hits[0].snippet


def test_hits_do_not_depend_on_the_cache(embedded_ticket, article, bob):
    first = keys(search(bob, "white sheets"))
    cache.clear()
    assert keys(search(bob, "white sheets")) == first


def test_ticket_of_a_megabyte_is_found(alice, bob):
    body = " ".join(f"word{number}" for number in range(130_000))
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="Long log", description=body, by=alice
    )
    assert keys(search(bob, "long log word77"))[0] == ("ticket", ticket.pk)


RARE_WORDS = [f"{chr(0x20000 + n % 40_000)}/{chr(0x20000 + n // 3)}.c" for n in range(120_000)]


@pytest.mark.parametrize("words", [["4711 line of a log\n"] * 40_000, RARE_WORDS])
def test_both_ends_of_a_very_long_text_are_found(bob, ticket, words):
    body = f"Zanzibar {' '.join(words)} kilimanjaro"
    tickets_services.reply(ticket=ticket, by=bob, body=body)
    ticket.description = body.replace("Zanzibar", "Serengeti").replace("kilimanjaro", "Okavango")
    ticket.save()
    for word in ("Zanzibar", "kilimanjaro", "Serengeti", "Okavango"):
        [hit] = search(bob, word).hits
        assert f"<mark>{word}</mark>" in hit.snippet
