from django.apps import AppConfig
from django.conf import settings

from appliance import egress_guard


class CoreConfig(AppConfig):
    name = "appliance.core"

    def ready(self) -> None:
        """Block connections to hosts that are not configured, in every process."""
        egress_guard.install(settings.REACHABLE_HOSTS, log_file=settings.BLOCKED_CONNECTIONS_LOG)
