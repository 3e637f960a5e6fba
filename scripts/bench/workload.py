"""The requests of search.py: pages through HTTP, and the functions behind them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from http_client import SignedInClient, measure, sign_in

RECALL_QUERIES, RECALL_AT = 40, 10
WORD_COUNTS = """
SELECT word, ndoc FROM ts_stat($$
    SELECT search_vector FROM tickets_ticket TABLESAMPLE SYSTEM ({percent}) $$)
WHERE word ~ '^[a-z]{{4,12}}$'
"""
PUBLIC_TICKETS = """
SELECT id, description FROM tickets_ticket
WHERE id = ANY(%s) AND team_id NOT IN (SELECT id FROM accounts_team WHERE is_closed)
"""


@dataclass(frozen=True)
class Workload:
    """Search terms and tickets of the current installation, enough to repeat no request."""

    common: list[str]  # in 5 to 15 % of the tickets
    rare: list[str]  # in a few hundred, or fewer
    phrases: list[str]
    mistyped: list[str]
    paraphrases: list[str]
    tickets: list[int]

    @classmethod
    def from_database(cls) -> "Workload":
        from django.db import connection

        random = np.random.default_rng(3)
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(id), count(*) FROM triage_ticketvector")
            last, count = cursor.fetchone()
            percent = min(100, 100 * 20_000 / count)
            cursor.execute(WORD_COUNTS.format(percent=percent))
            counts = {word: n / min(count, 20_000) for word, n in cursor.fetchall()}
            ticket_ids = random.integers(1, last, 400).tolist()
            cursor.execute(PUBLIC_TICKETS, [ticket_ids])
            tickets, texts = zip(*cursor.fetchall(), strict=True)
        common = [word for word, share in counts.items() if 0.05 < share < 0.15]
        rare = [word for word, share in counts.items() if share < 0.001]
        both = [" ".join(random.choice(common, 2)) for _ in range(400)]
        # two words make each query different
        return cls(
            common=both,
            rare=[str(word) for word in random.choice(rare, 400)],
            phrases=[f'"{" ".join(text.replace(".", "").split()[2:5])}"' for text in texts],
            mistyped=[_swap_letters(str(word), random) for word in random.choice(common, 400)],
            paraphrases=[" ".join(random.choice(text.split(), 8)) for text in texts],
            tickets=list(tickets),
        )


def through_http(workload: Workload, site: str, count: int, clients: int) -> dict[str, list[float]]:
    """Return page → milliseconds from the request to its last byte, for signed-in agents."""
    from appliance.accounts.models import User

    agents = list(User.objects.filter(role="agent").order_by("pk")[10:])
    signed_in = [sign_in(site, agents[n]) for n in range(clients)]
    return {
        name: measure(lambda n, turn, page=page: page(signed_in[n], turn), count, clients)
        for name, page in _pages(workload).items()
    }


def _pages(workload: Workload) -> dict[str, Callable[[SignedInClient, int], object]]:
    from appliance.core import cache
    from appliance.tickets.models import TicketCategory

    slugs = list(TicketCategory.objects.values_list("slug", flat=True))
    searches = {
        "search, common words": workload.common,
        "search, a rare word": workload.rare,
        "search, a phrase": workload.phrases,
        "search, a typing error": workload.mistyped,
        "search, a paraphrase": workload.paraphrases,
    }

    def dashboard_after_change(client: SignedInClient, turn: int) -> str:
        cache.invalidate(cache.TICKETS)
        return client.get("/")

    def suggest(client: SignedInClient, turn: int) -> str:
        text = workload.paraphrases[-1 - turn % len(workload.paraphrases)]
        return client.post("/suggest/", {"subject": f"{turn} {text}", "description": text})

    return {
        "dashboard": lambda client, turn: client.get("/"),
        "dashboard after a change": dashboard_after_change,
        "list, all tickets": lambda client, turn: client.get(f"/?status=any&sort={_sort(turn)}"),
        "list, filtered": lambda client, turn: client.get(
            f"/?category={slugs[turn % len(slugs)]}&priority={2 + turn % 2}"
        ),
        "ticket": lambda client, turn: client.get(f"/tickets/{_nth(workload.tickets, turn)}/"),
        **{
            name: lambda client, turn, texts=texts: client.get(f"/search/?q={_quoted(texts, turn)}")
            for name, texts in searches.items()
        },
        "suggestions while typing": suggest,
    }


def without_http(workload: Workload, count: int, clients: int) -> dict[str, list[float]]:
    """Return function → milliseconds without HTTP; query vectors are cached before."""
    from django.db import connection

    from appliance.accounts.models import User

    agent = User.objects.filter(role="agent").order_by("pk")[10]
    times = {}
    for name, function in _functions(workload, agent).items():
        times[name] = measure(
            lambda _client, turn, function=function: function(turn),
            count,
            clients,
            lambda: connection.close(),
        )
    return times


def _functions(workload: Workload, agent: object) -> dict[str, Callable[[int], object]]:
    from appliance.core import cache
    from appliance.search import corpora, retrievers
    from appliance.search import queries as search_queries
    from appliance.search.corpora import SearchFilters
    from appliance.tickets import queries as tickets
    from appliance.tickets.filters import ANY_STATUS, TicketFilter
    from appliance.tickets.models import Ticket, TicketCategory
    from appliance.triage import queries as triage_queries
    from appliance.triage import suggestions
    from appliance.triage.vector_search import find_floor, find_query_vector

    slugs = list(TicketCategory.objects.values_list("slug", flat=True))
    [corpus] = corpora.list_corpora(agent, "tickets", SearchFilters())
    vectors = [find_query_vector(text) for text in workload.paraphrases[:100]]
    for text in workload.mistyped[:100]:
        find_query_vector(text)

    def counts(turn: int) -> object:
        cache.invalidate(cache.TICKETS)
        return tickets.count_open(agent)

    def full_text(texts: Sequence[str], turn: int) -> object:
        """Sorted by date, only the full text search runs."""
        return search_queries.search(agent, _nth(texts, turn), kind="tickets", sort="newest")

    def embeddings(turn: int) -> object:
        with retrievers.query_limits():
            return retrievers.find_by_meaning(
                corpus, *_nth(vectors, turn), min_cosine=find_floor("hit")
            )

    def list_tickets(**filters: str) -> object:
        return list(tickets.list_tickets(agent, TicketFilter(**filters))[:50])

    def ticket(turn: int) -> Ticket:
        return Ticket(pk=_nth(workload.tickets, turn), subject="", description="")

    return {
        "list": lambda turn: list_tickets(status=ANY_STATUS),
        "list, filtered": lambda turn: list_tickets(
            category=slugs[turn % len(slugs)], priority="2"
        ),
        "queue counts, recomputed": counts,
        "full text, common words": lambda turn: full_text(workload.common, turn),
        "full text, a rare word": lambda turn: full_text(workload.rare, turn),
        "full text, a phrase": lambda turn: full_text(workload.phrases, turn),
        "search as you type": lambda turn: search_queries.suggest(
            agent, _nth(workload.rare, turn)[:5]
        ),
        "typing error": lambda turn: search_queries.search(
            agent, _nth(workload.mistyped[:100], turn)
        ),
        "embeddings": embeddings,
        "hybrid": lambda turn: search_queries.search(agent, _nth(workload.paraphrases[:100], turn)),
        "similar tickets": lambda turn: triage_queries.list_similar_tickets(agent, ticket(turn)),
        "suggestions": lambda turn: suggestions.list_suggestions(agent, ticket(turn)),
    }


def recall() -> dict[str, float]:
    """Return recall@10 of HNSW against an exact scan, and the median milliseconds of both."""
    from django.db import connection, transaction

    from appliance.triage.models import TicketVector
    from appliance.triage.vector_search import list_nearest

    shares, times = [], {"hnsw": [], "exact": []}
    sample = TicketVector.objects.order_by("text_sha256")[:RECALL_QUERIES]
    for vector in list(sample):
        # each space has its own index, so the query names the space
        neighbours = TicketVector.objects.nearest_to(vector.vector, vector.space).only("ticket_id")
        started = time.perf_counter()
        nearest = {row.ticket_id for row in list_nearest(neighbours, RECALL_AT, min_cosine=-1)}
        times["hnsw"].append(time.perf_counter() - started)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            started = time.perf_counter()
            exact = {row.ticket_id for row in neighbours[:RECALL_AT]}
            times["exact"].append(time.perf_counter() - started)
        shares.append(len(nearest & exact) / len(exact))
    medians = {name: 1000 * float(np.median(each)) for name, each in times.items()}
    return {"recall": float(np.mean(shares)), **medians}


def _swap_letters(word: str, random: np.random.Generator) -> str:
    """Swap two letters."""
    at = int(random.integers(1, len(word) - 2))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _sort(turn: int) -> str:
    return ("newest", "priority", "updated")[turn % 3]


def _nth(items: Sequence, turn: int) -> object:
    return items[turn % len(items)]


def _quoted(texts: Sequence[str], turn: int) -> str:
    from urllib.parse import quote_plus

    return quote_plus(str(_nth(texts, turn)))
