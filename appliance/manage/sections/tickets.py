"""Sections of categories, tags and custom fields."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.accounts.models import User
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.manage.forms import tickets as forms
from appliance.manage.sections.section import Column, Section
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import CustomField, Tag, TicketCategory
from appliance.triage import services as triage_services
from appliance.triage.classifier import preview_category


@transaction.atomic
def add_category(*, by: User, name: str, description: str, examples: list[str]) -> TicketCategory:
    """Add a category and classify uncategorised open tickets again."""
    category = tickets_services.add_category(
        by=by, name=name, description=description, examples=examples
    )
    triage_services.reconsider_unsure()
    return category


@transaction.atomic
def change_category(
    *, category: TicketCategory, by: User, name: str, description: str, examples: list[str]
) -> None:
    """Change a category; classify uncategorised open tickets again if its texts changed."""
    before = category.classifier_text
    tickets_services.change_category(
        category=category, by=by, name=name, description=description, examples=examples
    )
    if category.classifier_text != before:
        triage_services.reconsider_unsure()


@transaction.atomic
def reactivate_category(*, category: TicketCategory, by: User) -> None:
    tickets_services.reactivate_category(category=category, by=by)
    triage_services.reconsider_unsure()


def _category_context(
    request: AuthenticatedRequest, category: TicketCategory | None
) -> dict[str, Any]:
    """Return the form for a sample text, and what the classifier predicts for it."""
    form = forms.SampleForm(request.GET if "sample" in request.GET else None)
    text = form.text() if form.is_bound else ""
    return {
        "sample_form": form,
        "sample_text": text,
        "preview": preview_category(text) if text else None,
    }


def _category_consequences(category: TicketCategory) -> list[str]:
    ticket_count = tickets_queries.count_open_in_category(category)
    return [
        ngettext(
            "%(n)d open ticket in this category stays there.",
            "%(n)d open tickets in this category stay there.",
            ticket_count,
        )
        % {"n": ticket_count},
        _("Tickets are no longer classified into it, and it cannot be selected."),
    ]


def _tag_consequences(tag: Tag) -> list[str]:
    ticket_count = tag.tickets.count()
    return [
        ngettext(
            "It is removed from %(n)d ticket.",
            "It is removed from %(n)d tickets.",
            ticket_count,
        )
        % {"n": ticket_count},
        _("This cannot be undone."),
    ]


def _describe_categories(field: CustomField) -> str:
    if field.owner == CustomField.Owner.CUSTOMER:
        return ""
    return ", ".join(str(category) for category in field.categories.all()) or _("all tickets")


CATEGORIES: Section[TicketCategory] = Section(
    slug="categories",
    object_slug="category",
    title=gettext_lazy("Categories"),
    icon="bi-diagram-3",
    about=gettext_lazy("Ticket topics. Tickets are classified by the texts you enter here."),
    help=gettext_lazy(
        "Classification uses the name, description and example phrases. After a "
        "change, uncategorised open tickets are classified again in the background."
    ),
    list_entries=tickets_queries.list_all_categories,
    access_entry=tickets_queries.access_category,
    columns=(
        Column(gettext_lazy("Name"), lambda category: category.name),
        Column(gettext_lazy("Description"), lambda category: category.description, True),
        Column(gettext_lazy("Example phrases"), lambda category: len(category.examples)),
    ),
    form=lambda data, viewer, entry: forms.CategoryForm(data, category=entry),
    add=add_category,
    add_label=gettext_lazy("Add category"),
    change=change_category,
    remove=tickets_services.deactivate_category,
    remove_label=gettext_lazy("Deactivate"),
    consequences=_category_consequences,
    restore=reactivate_category,
    move=tickets_services.move_category,
    aside_template="manage/_category.html",
    aside_context=_category_context,
)

TAGS: Section[Tag] = Section(
    slug="tags",
    object_slug="tag",
    title=gettext_lazy("Tags"),
    icon="bi-tags",
    about=gettext_lazy("Keywords agents add to tickets. Typing a new one on a ticket creates it."),
    list_entries=tickets_queries.list_all_tags,
    access_entry=tickets_queries.access_tag,
    columns=(
        Column(gettext_lazy("Name"), lambda tag: tag.name),
        Column(gettext_lazy("Tickets"), lambda tag: tag.ticket_count),
    ),
    form=lambda data, viewer, entry: forms.TagForm(data, tag=entry),
    add=tickets_services.add_tag,
    add_label=gettext_lazy("Add tag"),
    change=tickets_services.rename_tag,
    remove=tickets_services.remove_tag,
    remove_label=gettext_lazy("Remove"),
    consequences=_tag_consequences,
    aside_template="manage/_tag.html",
)

FIELDS: Section[CustomField] = Section(
    slug="fields",
    object_slug="field",
    title=gettext_lazy("Custom fields"),
    icon="bi-input-cursor-text",
    about=gettext_lazy(
        "Additional fields of tickets, for all or selected categories, and of customers."
    ),
    list_entries=tickets_queries.list_all_fields,
    access_entry=tickets_queries.access_field,
    columns=(
        Column(gettext_lazy("Label"), lambda field: field.label),
        Column(gettext_lazy("Key"), lambda field: field.key, True),
        Column(gettext_lazy("Field of"), lambda field: field.get_owner_display()),
        Column(gettext_lazy("Type"), lambda field: field.get_kind_display()),
        Column(gettext_lazy("Categories"), _describe_categories, True),
        Column(gettext_lazy("Required"), lambda field: field.is_required),
    ),
    form=lambda data, viewer, entry: forms.CustomFieldForm(data, viewer=viewer, field=entry),
    add=tickets_services.add_field,
    add_label=gettext_lazy("Add field"),
    change=tickets_services.change_field,
    remove=tickets_services.deactivate_field,
    remove_label=gettext_lazy("Deactivate"),
    consequences=lambda field: [_("The field is no longer shown. Existing values are kept.")],
    restore=tickets_services.reactivate_field,
    move=tickets_services.move_field,
)
