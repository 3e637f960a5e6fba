from collections.abc import Iterator

from django.urls import URLPattern, path

from appliance.manage.sections import SECTIONS
from appliance.manage.sections.section import Section
from appliance.manage.views import changes, desk, frame, leaving, people, promises, tickets, updates


def pages_of(section: Section) -> Iterator[URLPattern]:
    """The pages a section has, each with its name."""
    here, row = f"{section.slug}/", f"{section.slug}/<int:pk>/"
    one, known = section.one, {"section": section}
    yield path(here, frame.index, known, name=section.slug)
    if "add" in section.offers:
        yield path(f"{here}add/", frame.add, known, name=f"add-{one}")
    yield path(row, frame.edit, known, name=f"edit-{one}")
    for verb in ("remove", "restore", "move"):
        if verb in section.offers:
            yield path(f"{row}{verb}/", getattr(frame, verb), known, name=f"{verb}-{one}")


urlpatterns = [
    path("", frame.overview, name="manage"),
    *(page for section in SECTIONS for page in pages_of(section)),
    path("desk/", desk.rules, name="desk-rules"),
    path("desk/logo/", desk.change_logo, name="change-logo"),
    path("logo/<uuid:file_id>/", desk.logo, name="logo"),
    path("models/", updates.models, name="models"),
    path("models/start/", updates.start, name="start-update"),
    path("models/trust/", updates.trust, name="trust-publisher"),
    path("models/back/", updates.roll_back_bundle, name="go-back"),
    path("models/<int:pk>/", updates.show, name="model-update"),
    path("models/<int:pk>/apply/", updates.apply, name="apply-update"),
    path("changes/", changes.log, name="change-log"),
    path("tag-list/<int:pk>/merge/", tickets.merge_tag, name="merge-tag"),
    path("business-hours/<int:pk>/holidays/", promises.add_holiday, name="add-holiday"),
    path("holidays/<int:pk>/remove/", promises.remove_holiday, name="remove-holiday"),
    path("policies/<int:pk>/escalations/add/", promises.add_escalation, name="add-escalation"),
    path("escalations/<int:pk>/remove/", promises.remove_escalation, name="remove-escalation"),
    path("people/<int:pk>/invite/", people.invite, name="invite-person"),
    path("organisations/<int:pk>/merge/", people.merge_organisation, name="merge-organisation"),
    path("people/<int:pk>/deactivate/", leaving.deactivate_person, name="deactivate-person"),
    path("people/<int:pk>/export/", leaving.export_person, name="export-person"),
    path("people/<int:pk>/anonymise/", leaving.anonymise_person, name="anonymise-person"),
    path("customers/<int:pk>/merge/", leaving.merge_customer, name="merge-customer"),
    path("customers/<int:pk>/export/", leaving.export_customer, name="export-customer"),
    path("customers/<int:pk>/anonymise/", leaving.anonymise_customer, name="anonymise-customer"),
    path("customers/<int:pk>/log-in/", people.create_login, name="open-log-in"),
    path("customers/<int:pk>/unlink/", people.unlink_customer, name="unlink-customer"),
]
