from django.apps import AppConfig


class SlaConfig(AppConfig):
    """SLA: business hours, policies, timers and escalations."""

    name = "appliance.sla"

    def ready(self) -> None:
        from appliance.sla import services
        from appliance.tickets.services import subscribe

        subscribe(services.on_ticket_event)
