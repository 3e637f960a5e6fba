"""The demo desk: an island hospital and its ferry line, written by us."""

from pathlib import Path

from django.db import transaction

from appliance.accounts.models import User
from appliance.core import cache
from appliance.reports.services import batch_changes
from appliance.sla.policies import reuse_policies
from appliance.tickets import services as tickets_services
from appliance.web.demo import cast, extras, history, library, macros, sla
from appliance.web.demo.library import read_article

HERE = Path(__file__).parent


@transaction.atomic
def load() -> list[User]:
    """People, SLA policies, articles and tickets; what is there stays. Returns who can log in."""
    with cache.batched_invalidation():
        tickets_services.load_default_categories()
        people = cast.load()
        agents = people.agents
        readers = [customer.user for customer in people.customers.values()]
        articles = library.load(author=agents["mei"], readers=readers)
        teams = sla.load_teams([*agents.values()])
        sla.load_promises(teams)
        macros.load(by=agents["bob"], security=teams["security"])
        extras.load_fields()
        extras.load_views(by=agents["bob"])
        with reuse_policies(), batch_changes():
            told = history.load(people, teams)
            extras.tie(told, by=agents["mei"])
        library.tie(articles, history.answered(), told)
    return [*agents.values(), *people.askers]
