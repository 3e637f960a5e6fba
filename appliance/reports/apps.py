from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Figures over time."""

    name = "appliance.reports"

    def ready(self) -> None:
        from appliance.reports.services import note_change
        from appliance.tickets.listeners import listen

        listen(note_change)
