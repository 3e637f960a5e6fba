"""What the same customer may have asked already, while they ask again."""

from appliance.accounts.models import Customer, User
from appliance.tickets.models import Ticket
from appliance.triage.models import TicketVector
from appliance.triage.nearest import cosine, find_query_vector, list_nearest
from appliance.triage.queries import LEAST_LETTERS, MOST_CHARACTERS, Similar

LIKELY = 0.6  # a cosine from here on is worth a look; below it tickets merely share a subject


def list_probable_duplicates(
    viewer: User, customer: Customer, subject: str, description: str, limit: int = 3
) -> list[Similar]:
    """Open tickets of the customer that say nearly the same, nearest first; none while nobody
    reads. Two queries at most.
    """
    text = f"{subject}\n{description}".replace("\0", " ")[:MOST_CHARACTERS].strip()
    text = text.encode("utf-8", "ignore").decode("utf-8")
    if sum(letter.isalnum() for letter in text) < LEAST_LETTERS:
        return []
    found = find_query_vector(text)
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
