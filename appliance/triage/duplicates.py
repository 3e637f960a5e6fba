"""What the same customer may have asked already, while they ask again."""

from appliance.accounts.models import Customer, User
from appliance.tickets.models import Ticket
from appliance.triage.models import TicketVector
from appliance.triage.nearest import cosine, find_query_vector, list_nearest
from appliance.triage.queries import Similar
from appliance.triage.suggestions import typed

# A cosine from here on is worth a look. Of 82 pairs of public questions that somebody asked twice
# within a week (a rare title again, another text) 95 % lie over it, 94 % while only the title is
# typed; of 800 pairs that merely share a topic 3.5 %, of 400 that one article answers 8 %. At 0.65
# it is 89 % and 1.5 %. Measured with encoder 2; measure again with another.
LIKELY = 0.6


def list_probable_duplicates(
    viewer: User, customer: Customer, subject: str, description: str, limit: int = 3
) -> list[Similar]:
    """Open tickets of the customer that say nearly the same, nearest first; none while nobody
    reads. Two queries at most.
    """
    text = typed(subject, description)
    found = find_query_vector(text) if text else None
    if found is None:
        return []
    vector, space = found
    open_ones = Ticket.objects.open().filter(customer=customer)
    near = (
        TicketVector.objects.visible_to(viewer)
        .filter(ticket__in=open_ones)
        .nearest_to(vector, space)
        .select_related("ticket")
        .defer("vector", "ticket__description", "ticket__search_vector")
    )
    rows = list_nearest(near, limit, least=LIKELY)
    return [Similar(row.ticket, cosine(row.distance)) for row in rows]
