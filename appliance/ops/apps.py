from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "appliance.ops"

    def ready(self) -> None:
        """Count the inference times of this process."""
        from appliance.inference.session import add_timing_listener
        from appliance.ops import timing_metrics

        add_timing_listener(timing_metrics.record)
