"""Canned responses and macros of the demo help desk."""

from typing import Any

from appliance.accounts.models import Team, User
from appliance.macros import services as macros_services
from appliance.macros.models import Audience, CannedResponse, Macro

SIGNATURE = "\n\n{agent_first_name}, {desk_name}"
CANNED_RESPONSES = [
    (
        "Which device is it?",
        "device",
        "Hello {customer_first_name},\n\nwhich device is it? The asset number stands on the white "
        "sticker, five digits after “BR”." + SIGNATURE,
    ),
    (
        "Restart and tell us",
        "restart",
        "Hello {customer_first_name},\n\nplease switch it off, wait for ten seconds, switch it on "
        "and tell us whether the fault is still there." + SIGNATURE,
    ),
    (
        "Somebody is on the way",
        "coming",
        "Hello {customer_first_name},\n\nsomebody is on the way to you about {ticket_number}. "
        "Please leave the device as it is." + SIGNATURE,
    ),
    (
        "Closing after silence",
        "silence",
        "Hello {customer_first_name},\n\nwe have heard nothing more about “{ticket_subject}” and "
        "take it that all is well. An answer opens {ticket_number} again." + SIGNATURE,
    ),
]
SECURITY_RESPONSE = (
    "Leave it as it is",
    "leave",
    "Hello {customer_first_name},\n\nplease do not open, forward or delete it, and do not switch "
    "the device off. We look at it now and come back to you within the hour." + SIGNATURE,
)
# the value of canned_response is a shortcut
MACROS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "Ask for the device",
        "And wait for the answer",
        {"canned_response": "device", "status": "waiting"},
    ),
    (
        "Close after silence",
        "",
        {"canned_response": "silence", "status": "solved", "add_tags": ["silent"]},
    ),
    ("Take it, urgent", "", {"assignee": "me", "priority": 4, "status": "open"}),
    ("Come back in a week", "", {"hold_days": 7, "assignee": "me"}),
]


def load(by: User, security_team: Team) -> None:
    """Create what is missing: one canned response for the team, the others for every agent."""
    existing = _ids_by_shortcut(by)
    for name, shortcut, body in CANNED_RESPONSES:
        if shortcut not in existing:
            macros_services.add_canned_response(
                by=by, name=name, shortcut=shortcut, body=body, audience=Audience.ALL
            )
    name, shortcut, body = SECURITY_RESPONSE
    if shortcut not in existing:
        macros_services.add_canned_response(
            by=by,
            name=name,
            shortcut=shortcut,
            body=body,
            audience=Audience.TEAM,
            team=security_team,
        )
    _load_macros(by, _ids_by_shortcut(by))


def _ids_by_shortcut(by: User) -> dict[str, int]:
    return dict(CannedResponse.objects.filter(owner=by).values_list("shortcut", "pk"))


def _load_macros(by: User, canned_response_ids: dict[str, int]) -> None:
    existing_names = set(Macro.objects.filter(owner=by).values_list("name", flat=True))
    for name, description, demo_actions in MACROS:
        actions = dict(demo_actions)
        if "canned_response" in actions:
            actions["canned_response"] = canned_response_ids[actions["canned_response"]]
        if name not in existing_names:
            macros_services.add_macro(
                by=by, name=name, description=description, actions=actions, audience=Audience.ALL
            )
