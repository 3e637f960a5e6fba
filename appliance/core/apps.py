from django.apps import AppConfig
from django.conf import settings

from appliance import fence


class CoreConfig(AppConfig):
    name = "appliance.core"

    def ready(self) -> None:
        """Whatever process this is, from here on it reaches only what was configured."""
        fence.close(settings.REACHABLE_HOSTS, record=settings.REFUSED_WAYS_OUT)
