"""Fixtures: Mei, another agent; Harbour, a closed team without her; a mail server."""

import pytest

from appliance.accounts.models import Membership, Role, Team, User
from appliance.accounts.services import add_user
from appliance.notifications.models import EmailSettings
from conftest import PASSWORD


@pytest.fixture
def mei(db) -> User:
    return add_user(email="mei@example.org", first_name="Mei", role=Role.AGENT, password=PASSWORD)


@pytest.fixture
def harbour(bob) -> Team:
    """A closed team: Bob is in it."""
    team = Team.objects.create(name="Harbour", is_closed=True)
    Membership.objects.create(team=team, user=bob)
    return team


@pytest.fixture
def smtp(db, settings):
    """Configure a mail server that acknowledges nothing; what is sent is in ``mailoutbox``."""
    EmailSettings.objects.create(acknowledged_channels=[])
    settings.EMAIL_HOST = "mail.example"
    settings.DEFAULT_FROM_EMAIL = "Desk <desk@example.org>"
