"""The demo desk: an island hospital and its ferry line, written by us."""

from pathlib import Path

from django.db import transaction

from appliance.accounts.models import User
from appliance.core import cache
from appliance.reports.services import batch_changes
from appliance.sla.policies import reuse_policies
from appliance.tickets import services as tickets_services
from appliance.web.demo import articles_loader, macros, people, sla, tickets
from appliance.web.demo.articles_loader import read_article

HERE = Path(__file__).parent


@transaction.atomic
def load() -> list[User]:
    """People, SLA policies, articles and tickets; what is there stays. Returns who can log in."""
    with cache.batched_invalidation():
        tickets_services.load_default_categories()
        cast = people.load()
        agents = cast.agents
        readers = [customer.user for customer in cast.customers.values()]
        articles = articles_loader.load(author=agents["mei"], readers=readers)
        teams = sla.load_teams([*agents.values()])
        sla.load_promises(teams)
        macros.load(by=agents["bob"], security=teams["security"])
        tickets.load_fields()
        tickets.load_views(by=agents["bob"])
        with reuse_policies(), batch_changes():
            created = tickets.load(cast, teams)
            tickets.tie(created, by=agents["mei"])
        articles_loader.tie(articles, tickets.answered(), created)
    return [*agents.values(), *cast.askers]
