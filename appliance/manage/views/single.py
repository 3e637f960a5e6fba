"""A page with one small form about one row: what it does, the form, a button."""

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from appliance.core.forms import Form
from appliance.manage.sections.section import Section


def sent(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: what was sent, were it nothing; None when the page is only read."""
    return request.POST if request.method == "POST" else None


def form_page(
    request: HttpRequest, section: Section, row: Model, form: Form, **words: object
) -> HttpResponse:
    """``words``: title, about, button, and is_grave for what cannot be undone."""
    context = {"section": section, "row": row, "form": form, **words}
    return render(request, "manage/single.html", context, status=400 if form.errors else 200)
