from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """Who gets a new ticket."""

    name = "appliance.routing"

    def ready(self) -> None:
        from appliance.routing import services
        from appliance.tickets import listeners

        listeners.listen(services.on_ticket_event)
