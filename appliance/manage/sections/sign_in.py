"""The section of single sign-on."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import IdentityProvider
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.accounts.single_sign_on_views import redirect_uri
from appliance.manage.forms.sign_in import IdentityProviderForm
from appliance.manage.sections.section import Column, Section


def _context(request: AuthenticatedRequest, provider: IdentityProvider | None) -> dict[str, Any]:
    return {"redirect_uri": redirect_uri(request, provider)} if provider else {}


IDENTITY_PROVIDERS: Section[IdentityProvider] = Section(
    slug="identity-providers",
    object_slug="identity-provider",
    title=gettext_lazy("Single sign-on"),
    icon="bi-box-arrow-in-right",
    about=gettext_lazy("Servers of the site that sign users in by OpenID Connect."),
    help=gettext_lazy(
        "Signing in with a password keeps working, also while the server is down. "
        "The test saves nothing."
    ),
    list_entries=lambda viewer, text: accounts_queries.list_identity_providers(viewer),
    access_entry=accounts_queries.access_identity_provider,
    is_searchable=False,
    columns=(
        Column(gettext_lazy("Text of the button"), lambda provider: provider.name),
        Column(gettext_lazy("Issuer"), lambda provider: provider.issuer, True),
        Column(gettext_lazy("Offered"), lambda provider: provider.is_active),
    ),
    form=lambda data, viewer, entry: IdentityProviderForm(data, provider=entry),
    add=accounts_services.add_identity_provider,
    add_label=gettext_lazy("Add identity provider"),
    change=accounts_services.change_identity_provider,
    remove=accounts_services.remove_identity_provider,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda provider: [
        _("Nobody can sign in through it any more; their accounts stay."),
        _("Who has no password needs an invitation link."),
    ],
    aside_template="manage/_identity_provider.html",
    aside_context=_context,
)
