"""How tickets hang together: linked, merged, split."""

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.models import Right
from appliance.accounts.permissions import AuthenticatedRequest, agents_only, with_right
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import LinkForm, MergeForm, SplitForm
from appliance.triage import queries as triage_queries
from appliance.web import autocomplete_attrs
from appliance.web.queries import autocomplete
from appliance.web.views.properties import answer


@require_POST
@agents_only
def link(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = LinkForm(request.POST, viewer=request.user)
    if form.is_valid():
        form.attempt(
            tickets_services.link_tickets,
            source=ticket,
            target=form.cleaned_data["target"],
            kind=form.cleaned_data["kind"],
            by=request.user,
        )
    return answer(request, ticket, "link", form)


@require_POST
@agents_only
def unlink(request: AuthenticatedRequest, ticket_id: int, link_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    rows = tickets_queries.access_link(request.user, link_id)
    if ticket.pk not in (rows.source_id, rows.target_id):
        raise Http404
    tickets_services.unlink_tickets(link=rows, by=request.user)
    return answer(request, ticket, "link", None)


@require_http_methods(["GET", "POST"])
@with_right(Right.MERGE)
def merge(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Choose the other ticket; see what will happen; do it."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    sent = request.POST or request.GET
    form = MergeForm(sent if "target" in sent else None, viewer=request.user)
    target = form.cleaned_data["target"] if form.is_valid() else None
    if request.method == "POST" and target:
        form.attempt(tickets_services.merge_tickets, source=ticket, target=target, by=request.user)
        if not form.errors:
            words = {"source": ticket.number, "target": target.number}
            messages.success(request, _("%(source)s merged into %(target)s.") % words)
            return redirect("ticket", target.pk)
    autocomplete_attrs.complete_field(form, "target", reverse("find-tickets", args=[ticket.pk]))
    context = {"ticket": ticket, "form": form, "target": target}
    if target is None:
        near = triage_queries.list_similar_tickets(request.user, ticket)
        context["candidates"] = autocomplete.list_merge_candidates(request.user, ticket, near)
    return render(request, "web/merge.html", context, status=400 if form.errors else 200)


@require_POST
@with_right(Right.MERGE)
def unmerge(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets_services.unmerge_ticket(ticket=ticket, by=request.user)
    messages.success(request, _("%s unmerged.") % ticket.number)
    return redirect("ticket", ticket.pk)


@require_http_methods(["GET", "POST"])
@with_right(Right.MERGE)
def split(request: AuthenticatedRequest, ticket_id: int, message_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    message = tickets_queries.access_message(request.user, message_id)
    if message.ticket_id != ticket.pk:
        raise Http404
    form = SplitForm(request.POST or None)
    if form.is_valid():
        new = form.attempt(
            tickets_services.split_ticket, message=message, by=request.user, **form.cleaned_data
        )
        if new:
            words = {"new": new.number, "old": ticket.number}
            messages.success(request, _("%(new)s split from %(old)s.") % words)
            return redirect("ticket", new.pk)
    context = {"ticket": ticket, "message": message, "form": form}
    return render(request, "web/split.html", context, status=400 if form.errors else 200)


@require_safe
@agents_only
def find_tickets(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Tickets by number or by what the subject says, for the type-ahead."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets = autocomplete.find_tickets(request.user, request.GET.get("q", ""), leave_out=ticket)
    items = [
        {
            "text": row.number,
            "label": str(row),
            "note": f"{row.customer.full_name} · {row.get_status_display()}",
        }
        for row in tickets
    ]
    return JsonResponse({"items": items})
