"""Two tags made one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from appliance.manage.access import admins_only
from appliance.manage.forms.tickets import MergeTagForm
from appliance.manage.sections.tickets import TAGS
from appliance.manage.views.single import form_page, sent
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services


@require_http_methods(["GET", "POST"])
@admins_only
def merge_tag(request: HttpRequest, pk: int) -> HttpResponse:
    tag = tickets_queries.access_tag(request.user, pk)
    form = MergeTagForm(sent(request), viewer=request.user, tag=tag)
    if form.is_valid():
        target = form.cleaned_data["target"]
        form.attempt(tickets_services.merge_tags, source=tag, target=target, by=request.user)
        if not form.errors:
            messages.success(request, _("Merged into %(name)s.") % {"name": target})
            return redirect("edit-tag", target.pk)
    return form_page(
        request,
        TAGS,
        tag,
        form,
        title=_("Merge %(name)s into another tag") % {"name": tag},
        about=_("Its tickets and saved views get the other tag; this one is removed."),
        button=_("Merge"),
    )
