"""Holidays of business hours and escalations of SLA policies."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.permissions import AuthenticatedRequest, admins_only
from appliance.manage.sections.sla import BUSINESS_HOURS, POLICIES
from appliance.manage.views.crud import post_data, render_action
from appliance.sla import queries as sla_queries
from appliance.sla import services as sla_services
from appliance.sla.forms import EscalationForm, HolidayForm


@require_POST
@admins_only
def add_holiday(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    business_hours = sla_queries.access_business_hours(request.user, pk)
    form = HolidayForm(request.POST)
    if form.is_valid():
        form.attempt(
            sla_services.add_holiday,
            business_hours=business_hours,
            by=request.user,
            **form.values(),
        )
        if not form.errors:
            return redirect("edit-business-hours", business_hours.pk)
    return render_action(
        request,
        BUSINESS_HOURS,
        business_hours,
        form,
        title=_("Add holiday to %(name)s") % {"name": business_hours},
        button=_("Add holiday"),
    )


@require_POST
@admins_only
def remove_holiday(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    holiday = sla_queries.access_holiday(request.user, pk)
    sla_services.remove_holiday(holiday=holiday, by=request.user)
    messages.success(request, _("Holiday removed: %(name)s.") % {"name": holiday})
    return redirect("edit-business-hours", holiday.business_hours_id)


@require_http_methods(["GET", "POST"])
@admins_only
def add_escalation(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    policy = sla_queries.access_policy(request.user, pk)
    form = EscalationForm(post_data(request))
    if form.is_valid():
        form.attempt(sla_services.add_escalation, policy=policy, by=request.user, **form.values())
        if not form.errors:
            return redirect("edit-policy", policy.pk)
    return render_action(
        request,
        POLICIES,
        policy,
        form,
        title=_("Add escalation to %(name)s") % {"name": policy},
        about=_("What happens before an SLA target is due, or after it is missed."),
        button=_("Add escalation"),
    )


@require_POST
@admins_only
def remove_escalation(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    escalation = sla_queries.access_escalation(request.user, pk)
    sla_services.remove_escalation(escalation=escalation, by=request.user)
    messages.success(request, _("Escalation removed."))
    return redirect("edit-policy", escalation.policy_id)
