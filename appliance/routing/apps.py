from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """Who gets a new ticket."""

    name = "appliance.routing"
