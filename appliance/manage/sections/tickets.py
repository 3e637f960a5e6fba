"""What tickets are filed under, tagged with and asked for."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.accounts.models import User
from appliance.manage.forms import tickets as forms
from appliance.manage.sections.section import Column, Section
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import CustomField, Tag, TicketCategory
from appliance.triage import services as triage_services
from appliance.triage.classifier import preview_category


@transaction.atomic
def add_category(*, by: User, **values: object) -> TicketCategory:
    category = tickets_services.add_category(by=by, **values)
    triage_services.reconsider_unsure()
    return category


@transaction.atomic
def change_category(*, category: TicketCategory, by: User, **values: object) -> None:
    before = category.classifier_text
    tickets_services.change_category(category=category, by=by, **values)
    if category.classifier_text != before:
        triage_services.reconsider_unsure()


@transaction.atomic
def reactivate_category(*, category: TicketCategory, by: User) -> None:
    tickets_services.reactivate_category(category=category, by=by)
    triage_services.reconsider_unsure()


def _try(request, category: TicketCategory) -> dict:
    """The sorter's answer to a sentence typed below the form."""
    form = forms.TryForm(request.GET if "sample" in request.GET else None)
    text = form.text() if form.is_bound else ""
    return {"try_form": form, "tried": text, "preview": preview_category(text) if text else None}


def _category_affects(category: TicketCategory) -> list[str]:
    tickets = tickets_queries.count_open_in_category(category)
    return [
        ngettext(
            "%(n)d open ticket in this category stays there.",
            "%(n)d open tickets in this category stay there.",
            tickets,
        )
        % {"n": tickets},
        _("Tickets are no longer classified into it, and it cannot be selected."),
    ]


def _tag_affects(tag: Tag) -> list[str]:
    return [
        ngettext(
            "It is removed from %(n)d ticket.",
            "It is removed from %(n)d tickets.",
            tag.ticket_count,
        )
        % {"n": tag.ticket_count},
        _("This cannot be undone."),
    ]


def _asked_in(field: CustomField) -> str:
    return ", ".join(str(category) for category in field.categories.all()) or _("all tickets")


CATEGORIES = Section(
    slug="categories",
    object_slug="category",
    title=gettext_lazy("Categories"),
    icon="bi-diagram-3",
    about=gettext_lazy("Ticket topics. Tickets are classified by the texts you enter here."),
    help=gettext_lazy(
        "Classification uses the name, description and example phrases. After a "
        "change, uncategorised open tickets are classified again in the background."
    ),
    rows=tickets_queries.list_all_categories,
    access=tickets_queries.access_category,
    columns=(
        Column(gettext_lazy("Name"), lambda category: category.name),
        Column(gettext_lazy("Description"), lambda category: category.description, True),
        Column(gettext_lazy("Example phrases"), lambda category: len(category.examples)),
    ),
    form=lambda data, viewer, row: forms.CategoryForm(data, category=row),
    add=add_category,
    add_words=gettext_lazy("Add category"),
    change=change_category,
    remove=tickets_services.deactivate_category,
    remove_words=gettext_lazy("Deactivate"),
    affects=_category_affects,
    restore=reactivate_category,
    move=tickets_services.move_category,
    more="manage/_category.html",
    more_of=_try,
)

TAGS = Section(
    slug="tag-list",
    object_slug="tag",
    title=gettext_lazy("Tags"),
    icon="bi-tags",
    about=gettext_lazy("Keywords agents add to tickets. Typing a new one on a ticket creates it."),
    rows=tickets_queries.list_all_tags,
    access=tickets_queries.access_tag,
    columns=(
        Column(gettext_lazy("Name"), lambda tag: tag.name),
        Column(gettext_lazy("Tickets"), lambda tag: tag.ticket_count),
    ),
    form=lambda data, viewer, row: forms.TagForm(data, tag=row),
    add=tickets_services.add_tag,
    add_words=gettext_lazy("Add tag"),
    change=tickets_services.rename_tag,
    remove=tickets_services.remove_tag,
    remove_words=gettext_lazy("Remove"),
    affects=_tag_affects,
    more="manage/_tag.html",
)

FIELDS = Section(
    slug="fields",
    object_slug="field",
    title=gettext_lazy("Custom fields"),
    icon="bi-input-cursor-text",
    about=gettext_lazy("Additional ticket fields, for all or selected categories."),
    rows=tickets_queries.list_all_fields,
    access=tickets_queries.access_field,
    columns=(
        Column(gettext_lazy("Label"), lambda field: field.label),
        Column(gettext_lazy("Key"), lambda field: field.key, True),
        Column(gettext_lazy("Type"), lambda field: field.get_kind_display()),
        Column(gettext_lazy("Categories"), _asked_in, True),
        Column(gettext_lazy("Required"), lambda field: field.is_required),
    ),
    form=lambda data, viewer, row: forms.FieldForm(data, viewer=viewer, field=row),
    add=tickets_services.add_field,
    add_words=gettext_lazy("Add field"),
    change=tickets_services.change_field,
    remove=tickets_services.deactivate_field,
    remove_words=gettext_lazy("Deactivate"),
    affects=lambda field: [_("The field is no longer shown. Existing values are kept.")],
    restore=tickets_services.reactivate_field,
    move=tickets_services.move_field,
)
