from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    """What was promised (SLA): policies, clocks, escalations."""

    name = "appliance.agreements"
