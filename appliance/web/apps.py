from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "appliance.web"

    def ready(self) -> None:
        from appliance.web import services

        services.register_bulk_changes()
