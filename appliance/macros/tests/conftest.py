import pytest

from appliance.accounts.models import Membership, Team
from appliance.macros import services
from appliance.macros.models import CannedResponse


@pytest.fixture
def ward_team(bob) -> Team:
    team = Team.objects.create(name="Ward desk")
    Membership.objects.create(team=team, user=bob)
    return team


@pytest.fixture
def hello(bob) -> CannedResponse:
    return services.add_canned_response(
        by=bob,
        name="Hello",
        shortcut="hi",
        audience="all",
        body="Hello {customer_first_name}, this is about {ticket_number}.",
    )
