from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Reports: metrics over time."""

    name = "appliance.reports"

    def ready(self) -> None:
        from appliance.reports.services import on_ticket_event, on_ticket_events
        from appliance.tickets.services import subscribe

        subscribe(on_ticket_event, for_many=on_ticket_events)
