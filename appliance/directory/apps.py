from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """LDAP and Active Directory: log-in, people, groups."""

    name = "appliance.directory"

    def ready(self) -> None:
        from appliance.accounts.security import accept_login_names_when
        from appliance.directory import queries

        accept_login_names_when(queries.has_active_directory)
