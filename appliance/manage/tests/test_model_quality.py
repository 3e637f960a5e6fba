"""The page of model quality, its export and its settings."""

import csv
import io
from datetime import date

import pytest
from django.urls import reverse

from appliance.core.dates import site_date
from appliance.notifications import services as notifications_services
from appliance.notifications.models import Notification, OutgoingEmail
from appliance.notifications.queries import list_notifications
from appliance.triage.drift import profiles
from appliance.triage.models import DriftSettings, DriftValue, Measure


@pytest.fixture
def values(db) -> date:
    """Values of a reference month and of this month, in which the language mix is an alarm."""
    month = profiles.month_of(site_date())
    reference = date(month.year - 1, month.month, 1)
    DriftSettings.objects.create(reference=reference)
    DriftValue.objects.bulk_create(
        DriftValue(
            month=on,
            measure=measure,
            value=0.9 if measure == Measure.LANGUAGES and on == month else 0.05,
            expected=0.05 if measure in (Measure.OVERRIDES, Measure.COVERAGE) else 0,
            chance=0.02,
            count=321,
            details=_details_of(measure),
        )
        for on in (reference, month)
        for measure in Measure
    )
    return month


def _details_of(measure: Measure) -> dict:
    if measure == Measure.LANGUAGES:
        return {"shares": {"fr": [0.0, 0.6], "": [0.1, 0.1], "xx": [0.9, 0.3]}}
    if measure == Measure.CALIBRATION:
        return {"bins": [{"from": 0, "until": 0.2, "count": 9, "confidence": 0.1, "right": 0.3}]}
    if measure == Measure.VOCABULARY:
        return {"words": [["=ransomware", 7]]}
    if measure == Measure.LENGTH:
        return {"medians": [21, 23]}
    return {"distance": 0.01, "by_chance": 0.002} if measure == Measure.CENTROID else {}


def test_page_names_state_value_and_what_to_do(dan_client, values):
    page = dan_client.get(reverse("model-quality"))
    text = page.content.decode()
    states = {card.measure: card.state_label for card in page.context["cards"]}
    assert states.pop(Measure.LANGUAGES) == "Alarm" and set(states.values()) == {"Stable"}
    assert text.count("<canvas") == text.count("What to do:") == len(Measure)
    assert "French" in text and "=ransomware" in text and "321" in text


def test_page_of_a_new_desk_says_what_is_missing(dan_client):
    page = dan_client.get(reverse("model-quality")).content.decode()
    assert "Not enough tickets yet" in page and "at least 20 tickets" in page


def test_page_costs_few_queries(dan_client, values, django_assert_max_num_queries):
    dan_client.get(reverse("model-quality"))
    with django_assert_max_num_queries(14):
        dan_client.get(reverse("model-quality"))


def test_export_has_every_figure_and_no_formula(dan_client, values):
    response = dan_client.get(reverse("export-model-quality"))
    lines = b"".join(response.streaming_content).decode()[1:]
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert sum(not row["item"] for row in rows) == 2 * len(Measure)
    alarms = [(row["measure"], row["month"]) for row in rows if row["state"] == "alarm"]
    assert alarms == [("languages", values.isoformat())]
    assert "'=ransomware" in {row["item"] for row in rows}


def test_thresholds_are_saved_in_the_unit_of_the_page(dan_client, values):
    data = form_data(dan_client) | {"coverage": "12.5", "languages": "0.95"}
    assert dan_client.post(reverse("model-quality"), data).status_code == 302
    assert DriftSettings.objects.get().thresholds == {"coverage": 0.125, "languages": 0.95}
    page = dan_client.get(reverse("model-quality"))
    assert page.context["form"]["coverage"].initial == 12.5
    assert {card.state for card in page.context["cards"]} == {"stable", "watch"}


def test_wrong_threshold_is_reported_and_nothing_typed_is_lost(dan_client, values):
    data = form_data(dan_client) | {"coverage": "-3", "length": "0.31", "reference": "2020-01-01"}
    page = dan_client.post(reverse("model-quality"), data)
    assert page.status_code == 400 and {*page.context["form"].errors} == {"coverage", "reference"}
    assert 'value="0.31"' in page.content.decode()
    assert DriftSettings.objects.get().thresholds == {}


def test_settings_that_somebody_changed_meanwhile_are_not_overwritten(dan_client, values):
    data = form_data(dan_client)
    dan_client.post(reverse("model-quality"), data | {"length": "0.5"})
    page = dan_client.post(reverse("model-quality"), data | {"length": "0.7"})
    assert page.status_code == 400 and DriftSettings.objects.get().thresholds == {"length": 0.5}


def form_data(client) -> dict[str, object]:
    context = client.get(reverse("model-quality")).context
    form = context["form"]
    version = context["version_form"]["version"].initial
    return {name: form[name].initial for name in form.fields} | {"version": version}


def test_update_lets_every_month_be_computed_again(dan_client, values):
    DriftValue.objects.update(inputs="current")
    assert dan_client.post(reverse("update-model-quality")).status_code == 302
    assert set(DriftValue.objects.values_list("inputs", flat=True)) == {""}


def test_status_page_names_the_alarm(dan_client, values):
    page = dan_client.get(reverse("status")).content.decode()
    assert "over the limit:" in page and "Language mix" in page


def test_alarm_notifies_each_admin_once_a_month_and_measure(values, dan, bob, client):
    assert notifications_services.notify_quality_alarms() == 1
    (notification,) = list_notifications(dan)
    assert (notification.measure, notification.month) == (Measure.LANGUAGES, values)
    assert "Language mix" in OutgoingEmail.objects.get(user=dan).body
    assert list(list_notifications(bob)) == []
    client.force_login(dan)
    page = client.get(reverse("notifications")).content.decode()
    assert "Language mix" in page and "/manage/model-quality/#languages" in page
    client.post(reverse("mark-notification-read", args=[notification.pk]))
    assert notifications_services.notify_quality_alarms() == 0
    DriftValue.objects.filter(measure=Measure.CLASSES, month=values).update(value=5)
    assert notifications_services.notify_quality_alarms() == 1
    assert Notification.objects.filter(user=dan).count() == 2


def test_alarm_of_an_old_month_notifies_nobody(values, dan):
    DriftValue.objects.filter(month=values).update(month=date(values.year - 1, values.month, 2))
    assert notifications_services.notify_quality_alarms() == 0


def test_former_admin_no_longer_sees_the_alarm(values, dan):
    notifications_services.notify_quality_alarms()
    dan.role = "agent"
    dan.save()
    assert list(list_notifications(dan)) == []
