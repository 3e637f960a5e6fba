from django.apps import AppConfig


class ShortcutsConfig(AppConfig):
    """Canned replies and macros."""

    name = "appliance.shortcuts"
