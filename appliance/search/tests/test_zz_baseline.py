import json
import time

from appliance.search import queries as q
from appliance.search.tests.test_indexes import *  # noqa
from appliance.search.tests.test_indexes import _colleague, _customer, agent, crowded  # noqa

try:
    from appliance.search.filters import Narrowed as F
except ImportError:
    from appliance.search.filters import SearchFilters as F

    NAME = "filters"

TEXTS = [
    "printer",
    "phonepb",
    "printer badge",
    "printer OR badge",
    "printer -badge",
    '"badge report"',
    "printer badg",
    "prin",
    "pirnter toner",
    "badgee reprot",
    "SKR-77",
    "#500 printer",
    "closed",
    "closed printer",
    "last77123",
    "person77@crowd.example",
    "organisation 7",
    "the of",
    "zzzz",
    "printeraa mailbb",
    "4512",
    "backupcd loginaa screenbb invoice",
    "",
]


def row(h):
    return [
        h.kind,
        h.id,
        round(h.score, 6),
        list(h.why),
        h.message.pk if h.message else None,
        h.snippet,
        h.marked_title,
    ]


def res(r):
    return [
        [row(h) for h in r.hits],
        r.totals,
        [[f.name, f.values] for f in r.facets],
        r.next,
        r.previous,
        getattr(r, "is_cut", getattr(r, "is_truncated", None)),
        r.did_you_mean,
    ]


def test_baseline(agent):
    out, times = {}, {}
    from datetime import date

    from django.db import connection

    last = Ticket.objects.latest("pk").pk
    cat = TicketCategory.objects.order_by("pk")[3].slug
    base = TicketCategory.objects.order_by("pk")[0].pk
    viewers = {"agent": agent, "customer": _customer()}
    c = viewers["customer"].customer
    Ticket.objects.filter(pk__gte=last - 3000, pk__lte=last - 100).update(customer=c)
    filters = {
        "-": F(),
        "cat": F(category=cat),
        "status": F(status="closed"),
        "cust": F(customers=(c.pk,)),
        "after": F(after=date.today()),
    }
    with connection.cursor() as cur:
        cur.execute("ANALYZE tickets_ticket")
    for v, viewer in viewers.items():
        for text in TEXTS:
            for kind in ("all", "tickets", "articles"):
                for sort in ("best", "newest", "oldest"):
                    for f, flt in filters.items():
                        if f != "-" and (kind != "all" or (sort == "oldest")):
                            continue
                        key = f"{v}|{text}|{kind}|{sort}|{f}"
                        t = []
                        n = 3 if f == "-" and kind == "all" else 1
                        for _ in range(n):
                            a = time.perf_counter()
                            r = q.search(viewer, text, kind=kind, sort=sort, **{NAME: flt})
                            t.append(time.perf_counter() - a)
                        out[key] = res(r)
                        times[key] = 1000 * min(t)
                        if r.next:
                            out[key + "|2"] = res(
                                q.search(
                                    viewer, text, kind=kind, sort=sort, after=r.next, **{NAME: flt}
                                )
                            )
            t = []
            for _ in range(3):
                a = time.perf_counter()
                hits = q.suggest(viewer, text)
                t.append(time.perf_counter() - a)
            out[f"suggest|{v}|{text}"] = [row(h) for h in hits]
            times[f"suggest|{v}|{text}"] = 1000 * min(t)
            out[f"ids|{v}|{text}"] = q.find_ticket_ids(viewer, text)
            out[f"cust|{text}"] = q.find_customer_ids(text)
    json.dump([out, times, last, base], open("/tmp/w/search_out.json", "w"), default=str)
