from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Who is told what: in the window and by mail."""

    name = "appliance.notices"

    def ready(self) -> None:
        from appliance.notices import checks  # noqa: F401  registers itself
        from appliance.notices.services import tell
        from appliance.tickets.listeners import listen

        listen(tell)
