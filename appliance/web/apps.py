from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "appliance.web"

    def ready(self) -> None:
        from appliance.web import bulk_registration

        bulk_registration.offer_verbs()
