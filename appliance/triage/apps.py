from django.apps import AppConfig


class TriageConfig(AppConfig):
    name = "appliance.triage"

    def ready(self) -> None:
        from appliance.tickets.services import subscribe
        from appliance.triage.services import record_inserted_suggestions, schedule_solution

        subscribe(record_inserted_suggestions)
        subscribe(schedule_solution)
