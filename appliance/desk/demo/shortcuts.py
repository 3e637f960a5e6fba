"""Canned replies and macros of the demo desk."""

from appliance.accounts.models import User
from appliance.shortcuts import services
from appliance.shortcuts.models import Audience, CannedReply, Macro

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
MACROS = [
    ("Ask for the device", "And wait for the answer", {"canned": "device", "status": "waiting"}),
    ("Close after silence", "", {"canned": "silence", "status": "solved", "add_tags": ["silent"]}),
    ("Take it, urgent", "", {"assignee": "me", "priority": 4, "status": "open"}),
    ("Come back in a week", "", {"held_days": 7, "assignee": "me"}),
]


def load(by: User) -> None:
    """Shared with every agent; what is there stays."""
    for name, shortcut, body in REPLIES:
        if not CannedReply.objects.filter(shortcut=shortcut, owner=by).exists():
            services.add_canned(
                by=by, name=name, shortcut=shortcut, body=body, audience=Audience.ALL
            )
    known = dict(CannedReply.objects.filter(owner=by).values_list("shortcut", "pk"))
    for name, description, actions in MACROS:
        if not Macro.objects.filter(name=name, owner=by).exists():
            ready = dict(actions)
            if "canned" in ready:
                ready["canned"] = known[ready["canned"]]
            services.add_macro(
                by=by, name=name, description=description, actions=ready, audience=Audience.ALL
            )
