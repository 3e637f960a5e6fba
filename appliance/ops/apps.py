from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "appliance.ops"

    def ready(self) -> None:
        from appliance.inference.session import add_timing_listener
        from appliance.ops.timing_metrics import note

        add_timing_listener(note)
