from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Figures over time."""

    name = "appliance.reports"
