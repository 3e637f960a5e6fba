from collections.abc import Iterator

from django.urls import URLPattern, path

from appliance.manage.sections import SECTIONS
from appliance.manage.sections.section import Section
from appliance.manage.views import crud, model_updates, offboarding, people, site_settings, sla


def pages_of(section: Section) -> Iterator[URLPattern]:
    """The pages a section has, each with its name."""
    here, row = f"{section.slug}/", f"{section.slug}/<int:pk>/"
    item, known = section.object_slug, {"section": section}
    yield path(here, crud.index, known, name=section.slug)
    if "add" in section.offers:
        yield path(f"{here}add/", crud.add, known, name=f"add-{item}")
    yield path(row, crud.edit, known, name=f"edit-{item}")
    for verb in ("remove", "restore", "move"):
        if verb in section.offers:
            yield path(f"{row}{verb}/", getattr(crud, verb), known, name=f"{verb}-{item}")


urlpatterns = [
    path("", crud.overview, name="manage"),
    *(page for section in SECTIONS for page in pages_of(section)),
    path("desk/", site_settings.rules, name="desk-rules"),
    path("desk/logo/", site_settings.change_logo, name="change-logo"),
    path("logo/<uuid:file_id>/", site_settings.logo, name="logo"),
    path("models/", model_updates.models, name="models"),
    path("models/start/", model_updates.start, name="start-update"),
    path("models/trust/", model_updates.trust, name="trust-publisher"),
    path("models/back/", model_updates.roll_back_bundle, name="go-back"),
    path("models/<int:pk>/", model_updates.show, name="model-update"),
    path("models/<int:pk>/apply/", model_updates.apply, name="apply-update"),
    path("changes/", site_settings.log, name="change-log"),
    path("tag-list/<int:pk>/merge/", people.merge_tag, name="merge-tag"),
    path("business-hours/<int:pk>/holidays/", sla.add_holiday, name="add-holiday"),
    path("holidays/<int:pk>/remove/", sla.remove_holiday, name="remove-holiday"),
    path("policies/<int:pk>/escalations/add/", sla.add_escalation, name="add-escalation"),
    path("escalations/<int:pk>/remove/", sla.remove_escalation, name="remove-escalation"),
    path("people/<int:pk>/invite/", people.invite, name="invite-person"),
    path("organisations/<int:pk>/merge/", people.merge_organisation, name="merge-organisation"),
    path("people/<int:pk>/deactivate/", offboarding.deactivate_person, name="deactivate-person"),
    path("people/<int:pk>/export/", offboarding.export_person, name="export-person"),
    path("people/<int:pk>/anonymise/", offboarding.anonymise_person, name="anonymise-person"),
    path("customers/<int:pk>/merge/", offboarding.merge_customer, name="merge-customer"),
    path("customers/<int:pk>/export/", offboarding.export_customer, name="export-customer"),
    path(
        "customers/<int:pk>/anonymise/", offboarding.anonymise_customer, name="anonymise-customer"
    ),
    path("customers/<int:pk>/log-in/", people.create_login, name="open-log-in"),
    path("customers/<int:pk>/unlink/", people.unlink_customer, name="unlink-customer"),
]
