from django.apps import AppConfig


class ModelUpdatesConfig(AppConfig):
    name = "appliance.model_updates"
