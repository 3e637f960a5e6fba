"""One object of every kind that can be configured, for the pages below /manage/."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Role, User
from appliance.core import queries as core_queries
from appliance.directory import services as directory_services
from appliance.directory.models import Directory, SyncRun
from appliance.macros import services as macros_services
from appliance.mail import services as mail_services
from appliance.mail.models import InboundEmail, Mailbox
from appliance.manage import services as manage_services
from appliance.manage.sections import SECTIONS
from appliance.model_updates import services as model_updates_services
from appliance.model_updates.models import UpdateRun
from appliance.notifications import services as notifications_services
from appliance.routing import services as routing_services
from appliance.sla import services as sla_services
from appliance.sla.models import BusinessHours, Holiday
from appliance.sla.weekly_hours import parse_week
from appliance.tickets import services as tickets_services

EMAIL_PAGES = (  # each gets an e-mail of its own, which some of them remove
    *("received-email", "received-email-source", "accept-email", "delete-email"),
    "block-email-sender",
    "retry-received-email",
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def create_sample_objects(by: User, name: str = "Main") -> dict[str, Model]:
    """Create an object of every kind, each called ``name``; return them by kind."""
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
        "sender-address": notifications_services.add_sender_address(
            by=by, address=f"{address}@desk.example", display_name=name[:80]
        ),
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
        "identity-provider": accounts_services.add_identity_provider(
            by=by,
            name=name[:80],
            issuer="https://login.invalid",
            client_id="skerry",
            email_claim="email",
        ),
        "tag": tickets_services.add_tag(by=by, name=name[:40]),
        "field": tickets_services.add_field(
            by=by, label=name[:80], kind="choice", choices=["1", "2"]
        ),
        "canned-response": macros_services.add_canned_response(
            by=by, name=name[:80], body="Hello {customer_name}", audience="all"
        ),
        "directory": _directory(by, name),
        "mailbox": mail_services.add_mailbox(
            by=by, name=name[:80], host="127.0.0.1", port=1, user="desk", password="x"
        ),
        "blocked-sender": mail_services.add_blocked_sender(
            by=by, pattern=f"{address}@spam.example"
        ),
        "macro": macros_services.add_macro(
            by=by, name=name[:80], actions={"priority": 4}, audience="all"
        ),
    }


def list_admin_pages(by: User, name: str) -> dict[str, tuple[User, str]]:
    """Return the viewer and path of every edit form and of the other pages below /manage/."""
    pks = {kind: instance.pk for kind, instance in create_sample_objects(by, name).items()}
    pages = {
        f"edit {section.object_slug}": (
            by,
            reverse(f"edit-{section.object_slug}", args=[pks[section.object_slug]]),
        )
        for section in SECTIONS
    }
    lists = (
        "manage",
        "site-settings",
        "models",
        "learning",
        "audit-log",
        "categories",
        "people",
        "fields",
    )
    pages |= {name: (by, reverse(name)) for name in (*lists, "policies")}
    no_customers = f"{reverse('customers')}?q=nobody"
    sample_text = f"{reverse('edit-category', args=[pks['category']])}?sample=The printer is jammed"
    return pages | {
        "no customer found": (by, no_customers),
        "category with sample text": (by, sample_text),
        "remove category": (by, reverse("remove-category", args=[pks["category"]])),
        "anonymise customer": (by, reverse("anonymise-customer", args=[pks["customer"]])),
        "refused update": (by, reverse("model-update", args=[create_refused_update(by).pk])),
        "add escalation": (by, reverse("add-escalation", args=[pks["policy"]])),
        "test directory": (by, reverse("test-directory", args=[pks["directory"]])),
        "add group": (by, reverse("add-group-mapping", args=[pks["directory"]])),
        "stopped sync": (by, reverse("directory-run", args=[_held_run(pks["directory"], name).pk])),
    }


def admin_url_arguments(by: User) -> dict[str, object]:
    """Return the argument of each URL name; removals get objects that no other page uses."""
    objects, removable = create_sample_objects(by), create_sample_objects(by, "Gone")
    verbs = ("edit", "move", "restore", "invite", "export", "merge", "anonymise")
    arguments: dict[str, object] = {
        f"{verb}-{kind}": instance.pk for kind, instance in objects.items() for verb in verbs
    }
    arguments |= {page: create_held_email(objects["mailbox"]).pk for page in EMAIL_PAGES}
    arguments |= {f"remove-{kind}": instance.pk for kind, instance in removable.items()}
    manage_services.change_logo(by=by, upload=SimpleUploadedFile("logo.png", PNG))
    return arguments | {
        "remove-holiday": objects["holiday"].pk,
        "remove-escalation": objects["escalation"].pk,
        "deactivate-person": removable["person"].pk,
        "add-holiday": objects["business-hours"].pk,
        "add-escalation": objects["policy"].pk,
        "create-login": objects["customer"].pk,
        "clear-undeliverable": objects["customer"].pk,
        "unlink-customer": objects["customer"].pk,
        "confirm-login": objects["customer"].pk,
        "test-directory": objects["directory"].pk,
        "start-directory-run": objects["directory"].pk,
        "add-group-mapping": objects["directory"].pk,
        "remove-group-mapping": objects["directory"].mappings.get().pk,
        **dict.fromkeys(
            ["directory-run", "approve-directory-run"],
            _held_run(objects["directory"].pk, "Held").pk,
        ),
        "test-mailbox": objects["mailbox"].pk,
        "activate-head": 1,
        "pass-labels-on": objects["category"].pk,
        "logo": core_queries.site_settings().logo_id,
        "test-identity-provider": objects["identity-provider"].pk,
        **dict.fromkeys(
            ["provider-login", "provider-callback", "provider-logout"],
            objects["identity-provider"].pk,
        ),
        **dict.fromkeys(["model-update", "apply-update"], create_refused_update(by).pk),
    }


def create_held_email(mailbox: Mailbox) -> InboundEmail:
    """Receive an e-mail and hold it for an agent."""
    number = InboundEmail.objects.count()
    source = f"From: sam@elsewhere.example\nMessage-ID: <{number}@sample>\n\nHelp".encode()
    email = mail_services.receive(mailbox=mailbox, source=source)
    email.state, email.sender, email.subject = "held", "sam@elsewhere.example", "Held"
    email.save()
    return email


def create_refused_update(by: User) -> UpdateRun:
    """Run an update from a folder that does not exist."""
    run = model_updates_services.start_run(kind="apply", source="/nothing/there", by=by)
    return model_updates_services.carry_out(run)


def _directory(by: User, name: str) -> Directory:
    directory = directory_services.add_directory(
        by=by,
        name=name[:80],
        kind="openldap",
        servers=["127.0.0.1"],
        port=1,
        security="ldaps",
        base_dn="dc=clinic,dc=example",
        domains=["clinic.example"],
    )
    directory_services.add_mapping(
        directory=directory, by=by, group_dn=f"cn={name[:80]},ou=groups", role="agent", teams=[]
    )
    return directory


def _held_run(directory_id: int, name: str) -> SyncRun:
    """Return a sync that stopped, with a row and a problem about somebody of this name."""
    problem = {"code": "too_many_disabled", "count": 40, "total": 100, "percent": 20}
    rows = [
        {"outcome": "role changed", "id": "1", "name": name, "role": "customer"},
        {"outcome": "changed", "id": "2", "name": name, "email": "p@c.example", "fields": ["room"]},
        {"outcome": "problem", "code": "email_twice", "name": name, "email": "p@c.example"},
    ]
    return SyncRun.objects.create(
        directory_id=directory_id,
        kind=SyncRun.Kind.FULL,
        state=SyncRun.State.HELD,
        counts={"role changed": 40, "problems": 1},
        rows=rows,
        problem=problem,
    )


def _holiday(business_hours: BusinessHours, by: User) -> Holiday:
    return sla_services.add_holiday(
        business_hours=business_hours, by=by, on="2026-12-25", name="Christmas"
    )
