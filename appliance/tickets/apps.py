from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "appliance.tickets"

    def ready(self) -> None:
        from appliance.accounts.services import on_lost_access
        from appliance.tickets.services import release_tickets

        on_lost_access(release_tickets)
