"""SLA policies and escalations, and their forms."""

import pytest
from django.http import Http404

from appliance.core.errors import ForbiddenError
from appliance.core.models import AuditEntry
from appliance.sla import queries, services, status
from appliance.sla.forms import EscalationForm, PolicyForm
from appliance.sla.models import SlaPolicy


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("4 h", 240), ("90 min", 90), ("1 h 30 min", 90), ("1:30", 90), ("2 Std. 5 Min.", 125)],
)
def test_minutes_are_parsed_from_common_notations(db, text, minutes):
    form = PolicyForm({"name": "All", "first_response_minutes": text})
    assert form.is_valid(), form.errors
    assert form.values()["first_response_minutes"] == minutes


@pytest.mark.parametrize("text", ["4", "soon", "h", "-3 h", "0 min", "1:75"])
def test_unreadable_minutes_are_a_form_error(db, text):
    assert (
        "first_response_minutes"
        in PolicyForm({"name": "All", "first_response_minutes": text}).errors
    )


def test_policy_form_saves_and_shows_a_policy(dan, categories):
    form = PolicyForm(
        {
            "name": "Urgent",
            "first_response_minutes": "15 min",
            "priorities": ["4"],
            "is_premium": "yes",
            "categories": [categories["hardware"].pk],
        }
    )
    assert form.is_valid(), form.errors
    policy = form.attempt(services.add_policy, by=dan, **form.values())
    edit_form = PolicyForm(policy=policy)
    assert edit_form["first_response_minutes"].value() == "15 min"
    assert status.describe_policy(policy) == ["Urgent", "VIP customers", "Hardware"]


@pytest.mark.parametrize(
    ("targets", "field"),
    [
        ({}, "first_response_minutes"),
        ({"first_response_minutes": "9 h", "resolution_minutes": "1 h"}, "first_response_minutes"),
    ],
)
def test_invalid_policy_is_refused(dan, targets, field):
    form = PolicyForm({"name": "Odd", **targets})
    assert form.is_valid()
    assert form.attempt(services.add_policy, by=dan, **form.values()) is None
    assert field in form.errors


def test_policies_can_be_moved(dan, add_policy):
    first, second = add_policy("First"), add_policy("Second")
    services.move_policy(policy=second, by=dan, up=True)
    services.move_policy(policy=second, by=dan, up=True)
    assert list(queries.list_policies()) == [second, first]
    assert [entry.verb for entry in AuditEntry.objects.all()].count("moved") == 1


def test_escalation_form_saves_what_the_description_shows(dan, add_policy):
    form = EscalationForm(
        {
            "metric": "resolution",
            "minutes": "1 h",
            "when": "before",
            "action": "notify",
            "recipients": ["assignee", "admins"],
        }
    )
    assert form.is_valid(), form.errors
    escalation = form.attempt(services.add_escalation, policy=add_policy(), by=dan, **form.values())
    assert status.describe_escalation(escalation) == (
        "1\xa0h before resolution is due: notify the administrators, the assignee"
    )


def test_only_admins_access_policies(bob, add_policy):
    policy = add_policy()
    with pytest.raises(ForbiddenError):
        services.remove_policy(policy=policy, by=bob)
    with pytest.raises(Http404):
        queries.access_policy(bob, policy.pk)
    assert SlaPolicy.objects.get().is_active
