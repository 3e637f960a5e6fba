from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "appliance.ops"

    def ready(self) -> None:
        from appliance.inference.timing import listen
        from appliance.ops.timing_metrics import note

        listen(note)
