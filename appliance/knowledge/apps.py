from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """What the desk already knows."""

    name = "appliance.knowledge"

    def ready(self) -> None:
        from appliance.knowledge.services import follow
        from appliance.tickets.services import subscribe

        subscribe(follow)
