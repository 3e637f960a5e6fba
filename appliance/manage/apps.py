from django.apps import AppConfig


class ManageConfig(AppConfig):
    """The admin's pages."""

    name = "appliance.manage"
