"""Setting the desk up."""

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Role, User
from appliance.core import cache
from appliance.core.models import SiteSettings
from appliance.tickets import services as tickets_services
from appliance.triage import services as triage_services
from appliance.web import demo as demo_desk


@transaction.atomic
def set_up(
    *, token: str, person: dict[str, str], desk_name: str, categories: set[str], demo: bool
) -> User:
    """The first admin, made once: the link is used up in the same transaction.

    Raises Http404 when somebody else used it first.
    """
    if not accounts_services.consume_setup_link(token):
        raise Http404
    admin = accounts_services.add_user(**person, role=Role.ADMIN)
    SiteSettings.objects.update_or_create(pk=1, defaults={"name": desk_name, "set_up_at": timezone.now()})
    cache.invalidate(cache.SITE_SETTINGS)
    tickets_services.load_default_categories(categories)
    if demo:
        demo_desk.load()
        triage_services.queue_catch_up()
    return admin


@transaction.atomic
def set_up_unattended(*, email: str, password: str) -> User:
    """The same without a page: the name, the categories and an empty desk by default."""
    admin = accounts_services.add_user(
        email=email, first_name="Admin", role=Role.ADMIN, password=password
    )
    SiteSettings.objects.update_or_create(pk=1, defaults={"set_up_at": timezone.now()})
    tickets_services.load_default_categories()
    return admin
