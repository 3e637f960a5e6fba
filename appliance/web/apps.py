from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "appliance.web"

    def ready(self) -> None:
        from appliance.web import for_many

        for_many.offer_verbs()
