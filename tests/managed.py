"""One of everything that can be set up, for the pages below /manage/."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Role, User
from appliance.core import queries as core_queries
from appliance.macros import services as macros_services
from appliance.manage import services as manage_services
from appliance.manage.sections import SECTIONS
from appliance.model_updates import services as model_updates_services
from appliance.model_updates.models import UpdateRun
from appliance.routing import services as routing_services
from appliance.sla import services as sla_services
from appliance.sla.weekly_hours import parse_week
from appliance.tickets import services as tickets_services

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def furnish(by: User, name: str = "Main") -> dict[str, object]:
    """By the word for one: a team, a policy …; each is called ``name``."""
    team = accounts_services.add_team(by=by, name=name[:80], members=[by])
    hours = parse_week({"monday": "8:00-17:00"})
    business_hours = sla_services.add_business_hours(
        by=by, name=name[:80], time_zone="UTC", hours=hours
    )
    policy = sla_services.add_policy(by=by, name=name[:80], first_response_minutes=60)
    address = name.lower().replace(" ", "-")[:40]
    person = {"by": by, "first_name": name[:80], "last_name": "Person"}
    return {
        "team": team,
        "business-hours": business_hours,
        "holiday": _holiday(business_hours, by),
        "policy": policy,
        "escalation": sla_services.add_escalation(
            policy=policy,
            by=by,
            metric="first_response",
            minutes=-30,
            action="notify",
            recipients=["assignee"],
        ),
        "rule": routing_services.add_rule(
            by=by,
            name=name[:80],
            team=team,
            strategy="least_open",
            categories=[],
            priorities=[],
            is_premium=None,
        ),
        "person": accounts_services.add_person(
            email=f"{address}@p.example", role=Role.AGENT, **person
        ),
        "customer": accounts_services.add_customer_as_agent(email=f"{address}@c.example", **person),
        "organisation": accounts_services.add_organisation(by=by, name=name[:120]),
        "category": tickets_services.add_category(by=by, name=name[:80], examples=[name]),
        "tag": tickets_services.add_tag(by=by, name=name[:40]),
        "field": tickets_services.add_field(
            by=by, label=name[:80], kind="choice", choices=["1", "2"]
        ),
        "canned-response": macros_services.add_canned_response(
            by=by, name=name[:80], body="Hello {customer_name}", audience="all"
        ),
        "macro": macros_services.add_macro(
            by=by, name=name[:80], actions={"priority": 4}, audience="all"
        ),
    }


def pages_to_look_at(by: User, name: str) -> dict[str, tuple[User, str]]:
    """Who looks, and where: the form of everything, and the pages that are no form."""
    rows = furnish(by, name)
    of = {one: row.pk for one, row in rows.items()}
    pages = {
        f"edit {one.object_slug}": (
            by,
            reverse(f"edit-{one.object_slug}", args=[of[one.object_slug]]),
        )
        for one in SECTIONS
    }
    lists = ("manage", "desk-rules", "models", "change-log", "categories", "people", "fields")
    pages |= {name: (by, reverse(name)) for name in (*lists, "policies")}
    found_nothing = f"{reverse('customers')}?q=nobody"
    tried = f"{reverse('edit-category', args=[of['category']])}?sample=The printer is jammed"
    return pages | {
        "no customer found": (by, found_nothing),
        "category tried": (by, tried),
        "remove category": (by, reverse("remove-category", args=[of["category"]])),
        "anonymise customer": (by, reverse("anonymise-customer", args=[of["customer"]])),
        "refused update": (by, reverse("model-update", args=[a_refused_update(by).pk])),
        "add escalation": (by, reverse("add-escalation", args=[of["policy"]])),
    }


def arguments_of_managing(by: User) -> dict[str, object]:
    """What each page asks for. What is removed is nobody else's object."""
    kept, gone = furnish(by), furnish(by, "Gone")
    of: dict[str, object] = {}
    for one, row in kept.items():
        of |= dict.fromkeys([f"edit-{one}", f"move-{one}", f"restore-{one}"], row.pk)
        of |= dict.fromkeys([f"invite-{one}", f"export-{one}", f"merge-{one}"], row.pk)
        of |= dict.fromkeys([f"anonymise-{one}"], row.pk)
    of |= {f"remove-{one}": row.pk for one, row in gone.items()}
    manage_services.change_logo(by=by, upload=SimpleUploadedFile("logo.png", PNG))
    return of | {
        "remove-holiday": kept["holiday"].pk,
        "remove-escalation": kept["escalation"].pk,
        "deactivate-person": gone["person"].pk,
        "add-holiday": kept["business-hours"].pk,
        "add-escalation": kept["policy"].pk,
        "open-log-in": kept["customer"].pk,
        "unlink-customer": kept["customer"].pk,
        "logo": core_queries.site_settings().logo_id,
        **dict.fromkeys(["model-update", "apply-update"], a_refused_update(by).pk),
    }


def a_refused_update(by: User) -> UpdateRun:
    """What is seen of an update while there is no stick where it should be."""
    run = model_updates_services.start_run(kind="apply", source="/nothing/there", by=by)
    return model_updates_services.carry_out(run)


def _holiday(business_hours, by: User):
    return sla_services.add_holiday(
        business_hours=business_hours, by=by, on="2026-12-25", name="Christmas"
    )
