from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Notifications in the app and by e-mail, and the outbox."""

    name = "appliance.notifications"

    def ready(self) -> None:
        from appliance.accounts.services import send_emails_by
        from appliance.notifications import checks  # noqa: F401  registers itself
        from appliance.notifications.services import (
            on_ticket_event,
            on_ticket_events,
            registrations,
        )
        from appliance.tickets.services import subscribe

        send_emails_by(registrations)
        subscribe(on_ticket_event, for_many=on_ticket_events)
