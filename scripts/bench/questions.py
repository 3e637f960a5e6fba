"""What a bench asks a desk: pages through HTTP, and the same functions without it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from callers import Caller, signed_in, timed

RECALL_OF, RECALL_AT = 40, 10
WORDS = """
SELECT word, ndoc FROM ts_stat($$
    SELECT search_vector FROM tickets_ticket TABLESAMPLE SYSTEM ({percent}) $$)
WHERE word ~ '^[a-z]{{4,12}}$'
"""
SEEN = """
SELECT id, description FROM tickets_ticket
WHERE id = ANY(%s) AND team_id NOT IN (SELECT id FROM accounts_team WHERE is_closed)
"""


@dataclass(frozen=True)
class Questions:
    """Words and tickets of the desk at hand; each list is long enough to ask no two alike."""

    common: list[str]  # in 5 to 15 % of the tickets
    rare: list[str]  # in a few hundred, or fewer
    phrases: list[str]
    mistyped: list[str]
    paraphrases: list[str]
    tickets: list[int]

    @classmethod
    def of_this_desk(cls) -> "Questions":
        from django.db import connection

        random = np.random.default_rng(3)
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(id), count(*) FROM triage_ticketvector")
            last, count = cursor.fetchone()
            percent = min(100, 100 * 20_000 / count)
            cursor.execute(WORDS.format(percent=percent))
            counts = {word: n / min(count, 20_000) for word, n in cursor.fetchall()}
            picked = random.integers(1, last, 400).tolist()
            cursor.execute(SEEN, [picked])
            tickets, texts = zip(*cursor.fetchall(), strict=True)
        common = [word for word, share in counts.items() if 0.05 < share < 0.15]
        rare = [word for word, share in counts.items() if share < 0.001]
        both = [" ".join(random.choice(common, 2)) for _ in range(400)]
        # two words make each question another one; the last one may be begun, as while one types
        return cls(
            common=both,
            rare=[str(word) for word in random.choice(rare, 400)],
            phrases=[f'"{" ".join(text.replace(".", "").split()[2:5])}"' for text in texts],
            mistyped=[_slip(str(word), random) for word in random.choice(common, 400)],
            paraphrases=[" ".join(random.choice(text.split(), 8)) for text in texts],
            tickets=list(tickets),
        )


def through_http(asked: Questions, site: str, times: int, callers: int) -> dict[str, list[float]]:
    """Milliseconds of each page, from the request to its last byte, by agents who are signed in."""
    from appliance.accounts.models import User

    agents = list(User.objects.filter(role="agent").order_by("pk")[10:])
    people = [signed_in(site, agents[n]) for n in range(callers)]
    return {
        name: timed(lambda who, turn, ask=ask: ask(people[who], turn), times, callers)
        for name, ask in _pages(asked).items()
    }


def _pages(asked: Questions) -> dict[str, Callable[[Caller, int], object]]:
    from appliance.core import cache
    from appliance.tickets.models import TicketCategory

    slugs = list(TicketCategory.objects.values_list("slug", flat=True))
    asking = {
        "search, common words": asked.common,
        "search, a rare word": asked.rare,
        "search, a phrase": asked.phrases,
        "search, a typo": asked.mistyped,
        "search, a paraphrase": asked.paraphrases,
    }

    def changed(person: Caller, turn: int) -> str:
        cache.invalidate(cache.TICKETS)
        return person.get("/")

    def suggest(person: Caller, turn: int) -> str:
        text = asked.paraphrases[-1 - turn % len(asked.paraphrases)]
        return person.post("/suggest/", {"subject": f"{turn} {text}", "description": text})

    return {
        "dashboard": lambda person, turn: person.get("/"),
        "dashboard, something changed": changed,
        "list, all tickets": lambda person, turn: person.get(f"/?status=any&sort={_sort(turn)}"),
        "list, filtered": lambda person, turn: person.get(
            f"/?category={slugs[turn % len(slugs)]}&priority={2 + turn % 2}"
        ),
        "ticket": lambda person, turn: person.get(f"/tickets/{_of(asked.tickets, turn)}/"),
        **{
            name: lambda person, turn, texts=texts: person.get(f"/search/?q={_quoted(texts, turn)}")
            for name, texts in asking.items()
        },
        "suggestions while typing": suggest,
    }


def without_http(asked: Questions, times: int, callers: int) -> dict[str, list[float]]:
    """Milliseconds of the functions behind these pages; vectors of texts are there already."""
    from django.db import connection

    from appliance.accounts.models import User

    agent = User.objects.filter(role="agent").order_by("pk")[10]
    spent = {}
    for name, ask in _functions(asked, agent).items():
        spent[name] = timed(
            lambda who, turn, ask=ask: ask(turn), times, callers, lambda: connection.close()
        )
    return spent


def _functions(asked: Questions, agent: object) -> dict[str, Callable[[int], object]]:
    from appliance.core import cache
    from appliance.search import corpora, retrievers
    from appliance.search import queries as search_queries
    from appliance.search.corpora import SearchFilters
    from appliance.tickets import queries as tickets
    from appliance.tickets.filters import ANY_STATUS, TicketFilter
    from appliance.tickets.models import Ticket, TicketCategory
    from appliance.triage import queries as triage_queries
    from appliance.triage import suggestions
    from appliance.triage.vector_search import find_query_vector

    slugs = list(TicketCategory.objects.values_list("slug", flat=True))
    [shelf] = corpora.list_corpora(agent, "tickets", SearchFilters())
    vectors = [find_query_vector(text) for text in asked.paraphrases[:100]]
    for text in asked.mistyped[:100]:
        find_query_vector(text)

    def counts(turn: int) -> object:
        cache.invalidate(cache.TICKETS)
        return tickets.count_open(agent)

    def words(texts: Sequence[str], turn: int) -> object:
        """In order of time nothing counts but words."""
        return search_queries.search(agent, _of(texts, turn), kind="tickets", sort="newest")

    def meaning(turn: int) -> object:
        with retrievers.query_limits():
            return retrievers.find_by_meaning(shelf, *_of(vectors, turn))

    def listed(**filters: str) -> object:
        return list(tickets.list_tickets(agent, TicketFilter(**filters))[:50])

    def ticket(turn: int) -> Ticket:
        return Ticket(pk=_of(asked.tickets, turn), subject="", description="")

    return {
        "list": lambda turn: listed(status=ANY_STATUS),
        "list, filtered": lambda turn: listed(category=slugs[turn % len(slugs)], priority="2"),
        "counts of the queues, anew": counts,
        "words, common": lambda turn: words(asked.common, turn),
        "words, rare": lambda turn: words(asked.rare, turn),
        "words, phrase": lambda turn: words(asked.phrases, turn),
        "words, as they are typed": lambda turn: search_queries.suggest(
            agent, _of(asked.rare, turn)[:5]
        ),
        "typo": lambda turn: search_queries.search(agent, _of(asked.mistyped[:100], turn)),
        "meaning": meaning,
        "hybrid": lambda turn: search_queries.search(agent, _of(asked.paraphrases[:100], turn)),
        "similar tickets": lambda turn: triage_queries.list_similar_tickets(agent, ticket(turn)),
        "suggestions": lambda turn: suggestions.list_suggestions(agent, ticket(turn)),
    }


def recall() -> dict[str, float]:
    """Of the ten nearest tickets by an exact scan, the share HNSW finds as the product asks it."""
    from django.db import connection, transaction

    from appliance.triage.models import TicketVector
    from appliance.triage.vector_search import list_nearest

    kept, spent = [], {"hnsw": [], "exact": []}
    some = TicketVector.objects.order_by("text_sha256")[:RECALL_OF]
    for row in list(some):
        # by its space, as the product asks: each space has an index of its own
        near = TicketVector.objects.nearest_to(row.vector, row.space).only("ticket_id")
        started = time.perf_counter()
        found = {one.ticket_id for one in list_nearest(near, RECALL_AT, min_cosine=-1)}
        spent["hnsw"].append(time.perf_counter() - started)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            started = time.perf_counter()
            exact = {one.ticket_id for one in near[:RECALL_AT]}
            spent["exact"].append(time.perf_counter() - started)
        kept.append(len(found & exact) / len(exact))
    middles = {name: 1000 * float(np.median(each)) for name, each in spent.items()}
    return {"recall": float(np.mean(kept)), **middles}


def _slip(word: str, random: np.random.Generator) -> str:
    """Two letters changed places."""
    at = int(random.integers(1, len(word) - 2))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _sort(turn: int) -> str:
    return ("newest", "priority", "updated")[turn % 3]


def _of(items: Sequence, turn: int) -> object:
    return items[turn % len(items)]


def _quoted(texts: Sequence[str], turn: int) -> str:
    from urllib.parse import quote_plus

    return quote_plus(str(_of(texts, turn)))
