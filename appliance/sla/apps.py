from django.apps import AppConfig


class SlaConfig(AppConfig):
    """What was promised (SLA): policies, clocks, escalations."""

    name = "appliance.sla"

    def ready(self) -> None:
        from appliance.sla import services
        from appliance.tickets.services import subscribe

        subscribe(services.on_ticket_event)
