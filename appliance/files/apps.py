from django.apps import AppConfig


class FilesConfig(AppConfig):
    """What was uploaded, kept under names of our own."""

    name = "appliance.files"
