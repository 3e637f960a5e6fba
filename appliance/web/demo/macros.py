"""Canned replies and macros of the demo desk."""

from appliance.accounts.models import Team, User
from appliance.macros import services as macros_services
from appliance.macros.models import Audience, CannedResponse, Macro

SIGNED = "\n\n{agent_first_name}, {desk_name}"
REPLIES = [
    (
        "Which device is it?",
        "device",
        "Hello {customer_first_name},\n\nwhich device is it? The asset number stands on the white "
        "sticker, five digits after “BR”." + SIGNED,
    ),
    (
        "Restart and tell us",
        "restart",
        "Hello {customer_first_name},\n\nplease switch it off, wait for ten seconds, switch it on "
        "and tell us whether the fault is still there." + SIGNED,
    ),
    (
        "Somebody is on the way",
        "coming",
        "Hello {customer_first_name},\n\nsomebody is on the way to you about {ticket_number}. "
        "Please leave the device as it is." + SIGNED,
    ),
    (
        "Closing after silence",
        "silence",
        "Hello {customer_first_name},\n\nwe have heard nothing more about “{ticket_subject}” and "
        "take it that all is well. An answer opens {ticket_number} again." + SIGNED,
    ),
]
FOR_SECURITY = (
    "Leave it as it is",
    "leave",
    "Hello {customer_first_name},\n\nplease do not open, forward or delete it, and do not switch "
    "the device off. We look at it now and come back to you within the hour." + SIGNED,
)
MACROS = [
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


def load(by: User, security: Team) -> None:
    """Shared with every agent, one with a team; what is there stays."""
    known = _known(by)
    for name, shortcut, body in REPLIES:
        if shortcut not in known:
            _add(by, name, shortcut, body, audience=Audience.ALL)
    if FOR_SECURITY[1] not in known:
        _add(by, *FOR_SECURITY, audience=Audience.TEAM, team=security)
    _load_macros(by, _known(by))


def _known(by: User) -> dict[str, int]:
    return dict(CannedResponse.objects.filter(owner=by).values_list("shortcut", "pk"))


def _add(by: User, name: str, shortcut: str, body: str, **shared: object) -> None:
    macros_services.add_canned_response(by=by, name=name, shortcut=shortcut, body=body, **shared)


def _load_macros(by: User, replies: dict[str, int]) -> None:
    known = set(Macro.objects.filter(owner=by).values_list("name", flat=True))
    for name, description, actions in MACROS:
        ready = dict(actions)
        if "canned_response" in ready:
            ready["canned_response"] = replies[ready["canned_response"]]
        if name not in known:
            macros_services.add_macro(
                by=by, name=name, description=description, actions=ready, audience=Audience.ALL
            )
