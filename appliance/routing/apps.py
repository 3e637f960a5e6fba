from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """Who gets a new ticket."""

    name = "appliance.routing"

    def ready(self) -> None:
        from appliance.routing import services
        from appliance.tickets.services import subscribe

        subscribe(services.on_ticket_event)
