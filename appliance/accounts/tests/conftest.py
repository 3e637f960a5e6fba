import pytest

from appliance.accounts.services import registration
from appliance.core.models import SiteSettings


@pytest.fixture
def mail(settings, db, monkeypatch) -> None:
    """The desk can send e-mails and knows its own address; answers need not wait."""
    monkeypatch.setattr(registration, "ANSWER_SECONDS", 0)
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "localhost", "desk@example.org"
    SiteSettings.objects.update_or_create(pk=1, defaults={"base_url": "https://desk.example.org"})
