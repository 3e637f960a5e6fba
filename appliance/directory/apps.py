from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """LDAP and Active Directory: log-in, people, groups."""

    name = "appliance.directory"
