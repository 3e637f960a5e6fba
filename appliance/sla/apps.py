from django.apps import AppConfig


class SlaConfig(AppConfig):
    """What was promised (SLA): policies, clocks, escalations."""

    name = "appliance.sla"

    def ready(self) -> None:
        from appliance.sla import services
        from appliance.tickets import listeners

        listeners.listen(services.on_ticket_event)
