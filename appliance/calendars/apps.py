from django.apps import AppConfig


class CalendarsConfig(AppConfig):
    """Working hours and holidays."""

    name = "appliance.calendars"
