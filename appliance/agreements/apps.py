from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    """What was promised (SLA): policies, clocks, escalations."""

    name = "appliance.agreements"

    def ready(self) -> None:
        from appliance.agreements import services
        from appliance.tickets import listeners

        listeners.listen(services.follow)
