from django.apps import AppConfig


class TriageConfig(AppConfig):
    """What the bundles say, and what people make of it."""

    name = "appliance.triage"

    def ready(self) -> None:
        from appliance.tickets.services import subscribe
        from appliance.triage.services import note_sent

        subscribe(note_sent)
