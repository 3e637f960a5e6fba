from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """The knowledge base."""

    name = "appliance.knowledge"

    def ready(self) -> None:
        from appliance.knowledge.services import on_ticket_event
        from appliance.tickets.services import subscribe

        subscribe(on_ticket_event)
