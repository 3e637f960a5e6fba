"""Passwords made of names are refused, sentences with a name are not."""

import pytest

from appliance.accounts.models import User
from appliance.accounts.services.people import check_password
from appliance.core.errors import BadInputError
from appliance.core.models import SiteSettings

pytestmark = pytest.mark.django_db


@pytest.fixture
def dave() -> User:
    SiteSettings.objects.create(name="Harbour Desk", base_url="http://desk.tidewater.example:8000")
    return User(email="dave.agent@stbrannoc.example", first_name="Dave", last_name="Agent")


@pytest.mark.parametrize(
    "password",
    [
        "Dave Agent",
        "dave.agent",
        "AgentDave1!",
        "D4ve Ag3nt 2026",
        "stbrannoc1",
        "St.Brannoc2026",
        "harbourdesk",
        "Harbour Desk 1",
        "tidewater99",
        "skerryskerry",
        "Dáve Agént",
        "dave@stbrannoc",
    ],
)
def test_password_of_names_is_refused(dave, password):
    with pytest.raises(BadInputError):
        check_password(password, dave)


@pytest.mark.parametrize(
    "password", ["dave walks on the shore", "a-rock-alone-in-the-sea", "lobster pots at dawn 7"]
)
def test_sentence_is_accepted(dave, password):
    check_password(password, dave)
