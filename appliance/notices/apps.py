from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Who is told what: in the window and by mail."""

    name = "appliance.notices"
