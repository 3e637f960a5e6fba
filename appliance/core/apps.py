from django.apps import AppConfig
from django.conf import settings

from appliance import egress_guard


class CoreConfig(AppConfig):
    name = "appliance.core"

    def ready(self) -> None:
        """Whatever process this is, from here on it reaches only what was configured."""
        egress_guard.close(settings.REACHABLE_HOSTS, record=settings.BLOCKED_CONNECTIONS_LOG)
