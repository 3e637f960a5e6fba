from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate

from appliance import egress_guard


class CoreConfig(AppConfig):
    name = "appliance.core"

    def ready(self) -> None:
        """Block connections to hosts that are not configured; grant rights after migrations."""
        from appliance.core import checks  # noqa: F401  registers itself

        egress_guard.install(settings.REACHABLE_HOSTS, log_file=settings.BLOCKED_CONNECTIONS_LOG)
        post_migrate.connect(_grant_rights, sender=self)


def _grant_rights(**arguments: object) -> None:
    """Give the application's database role its rights on new tables."""
    from appliance.core import database_rights

    database_rights.grant_rights()
