from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MacrosConfig(AppConfig):
    """Canned responses and macros."""

    name = "appliance.macros"
    verbose_name = _("canned responses and macros")
