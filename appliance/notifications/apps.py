from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Notifications in the app and by e-mail, and the outbox."""

    name = "appliance.notifications"

    def ready(self) -> None:
        from appliance.notifications import checks  # noqa: F401  registers itself
        from appliance.notifications.services import on_ticket_event, on_ticket_events
        from appliance.tickets.services import subscribe

        subscribe(on_ticket_event, for_many=on_ticket_events)
