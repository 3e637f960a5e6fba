"""Verbs that need more than one room."""

from appliance.desk.services.setup import set_up, set_up_unattended

__all__ = ["set_up", "set_up_unattended"]
