from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """Assignment rules for new tickets."""

    name = "appliance.routing"

    def ready(self) -> None:
        from appliance.routing import services
        from appliance.tickets.services import subscribe

        subscribe(services.on_ticket_event, for_many=services.on_ticket_events)
