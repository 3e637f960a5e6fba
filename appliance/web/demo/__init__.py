"""The demo help desk of an island hospital and its ferry line; all texts are our own."""

from django.db import transaction

from appliance.accounts.models import User
from appliance.core import cache
from appliance.reports.services import batch_changes
from appliance.sla.policies import reuse_policies
from appliance.tickets import services as tickets_services
from appliance.web.demo import articles_loader, macros, people, sla, tickets


@transaction.atomic
def load() -> list[User]:
    """Create what is missing of the demo data; return the users to log in as.

    Existing rows stay unchanged, so that a second run changes nothing.
    """
    with cache.batched_invalidation():
        tickets_services.load_default_categories()
        demo_people = people.load()
        agents = demo_people.agents
        readers = [customer.user for customer in demo_people.customers.values()]
        articles = articles_loader.load(author=agents["mei"], readers=readers)
        teams = sla.load_teams([*agents.values()])
        sla.load_policies_and_rules(teams)
        macros.load(by=agents["bob"], security_team=teams["security"])
        tickets.load_fields()
        tickets.load_views(by=agents["bob"])
        with reuse_policies(), batch_changes():
            new_tickets = tickets.load(demo_people, teams)
            tickets.link_and_merge(new_tickets, by=agents["mei"])
        articles_loader.link_answers(articles, tickets.list_answers(), new_tickets)
    return [*agents.values(), *demo_people.portal_users]
