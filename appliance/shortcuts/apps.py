from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShortcutsConfig(AppConfig):
    """Canned replies and macros."""

    name = "appliance.shortcuts"
    verbose_name = _("canned replies and macros")
