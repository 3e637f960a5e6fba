from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "appliance.desk"

    def ready(self) -> None:
        from appliance.desk import for_many

        for_many.offer_verbs()
