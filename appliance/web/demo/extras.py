"""What a desk that has been at work for a while has: questions of its own, views, tickets that hang
together.
"""

from appliance.accounts.models import User
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import CustomField, SavedView, Ticket, TicketCategory, TicketLink

Kind, Link = CustomField.Kind, TicketLink.Kind
# key, label, kind, choices, slugs of categories (none: all)
FIELDS = [
    ("place", "Place", Kind.CHOICE, ("Hospital", "Quay House", "On board"), ()),
    ("asset-number", "Asset number", Kind.TEXT, (), ("hardware", "network")),
    ("needed-by", "Needed by", Kind.DATE, (), ("purchasing",)),
]
VIEWS = [
    ("Printing", TicketFilter(tag="printing"), "priority"),
    ("Premium, next due", TicketFilter(premium=True), "due"),
]
# what is found out about tickets of today
MERGED = [("t215", "t209")]
LINKED = [
    ("t202", "t200", Link.DUPLICATE),
    ("t209", "t210", Link.RELATED),
    ("t212", "t210", Link.CAUSED_BY),
]


def load_fields() -> None:
    """Customers may answer them, nobody must."""
    known = set(CustomField.objects.values_list("key", flat=True))
    for key, label, kind, choices, slugs in FIELDS:
        if key not in known:
            tickets_services.add_field(
                by=None,
                key=key,
                label=label,
                kind=kind,
                choices=choices,
                categories=TicketCategory.objects.filter(slug__in=slugs),
                is_for_customers=True,
            )


def load_views(by: User) -> None:
    """Shared with every agent."""
    known = set(SavedView.objects.filter(owner=by).values_list("name", flat=True))
    for name, filters, sort in VIEWS:
        if name not in known:
            tickets_services.save_view(
                by=by, name=name, filters=filters, sort=sort, audience="all"
            )


def tie(tickets: dict[str, Ticket], by: User) -> None:
    """Links and a merge among ``tickets``, which are new; others stay as they are."""
    for source, target, kind in LINKED:
        if source in tickets and target in tickets:
            tickets_services.link_tickets(
                source=tickets[source], target=tickets[target], kind=kind, by=by
            )
    for source, target in MERGED:
        if source in tickets and target in tickets:
            tickets_services.merge_tickets(source=tickets[source], target=tickets[target], by=by)
