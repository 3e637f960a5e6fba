from django.apps import AppConfig


class TriageConfig(AppConfig):
    """What the bundles say, and what people make of it."""

    name = "appliance.triage"

    def ready(self) -> None:
        from appliance.tickets.listeners import listen
        from appliance.triage.services import note_sent

        listen(note_sent)
