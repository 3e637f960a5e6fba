"""Model quality on tickets of the database: months, reference, alarms, settings."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.utils import timezone

from appliance.accounts.models import Team
from appliance.core.dates import site_date
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from appliance.tickets.models import Ticket
from appliance.triage import engine, services
from appliance.triage.drift import profiles, queries, references
from appliance.triage.models import (
    CategoryLabel,
    Correction,
    DriftSettings,
    DriftValue,
    Measure,
    Prediction,
    TicketVector,
)
from appliance.triage.tests.fake_engine import FakeEngine

WORDS = [
    "printer",
    "paper",
    "tray",
    "jam",
    "toner",
    "door",
    "badge",
    "reader",
    "screen",
    "mouse",
    "cable",
    "login",
    "mail",
]
SLUGS = ("access", "hardware", "network")


@pytest.fixture
def fake_engine(monkeypatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(engine, "current", lambda: fake)
    return fake


def months_ago(count: int) -> date:
    month = profiles.month_of(site_date())
    for _ in range(count):
        month = profiles.month_of(month - timedelta(days=1))
    return month


@pytest.fixture
def add_month(alice, categories, fake_engine) -> Callable[..., list[Ticket]]:
    """Create the tickets of a month with their predictions, vectors and labels."""

    def add(
        month: date,
        count: int = 60,
        *,
        words: str = "",
        language: str = "en",
        slugs: tuple[str, ...] = SLUGS,
        axis: int = 0,
        corrected: int = 3,
        team: Team | None = None,
    ) -> list[Ticket]:
        chance = random.Random(month.toordinal())
        start = datetime(month.year, month.month, 1, 6, tzinfo=ZoneInfo(profiles.site_zone()))
        end = min(start + timedelta(days=27), timezone.now())
        tickets = Ticket.objects.bulk_create(
            Ticket(
                customer=alice.customer,
                subject="Help",
                description=" ".join(chance.choices(WORDS, k=chance.randint(5, 15))) + f" {words}",
                language=language,
                team=team,
                created_at=start + (end - start) * chance.random(),
            )
            for _ in range(count)
        )
        _annotate(tickets, slugs, axis, categories["email"], corrected)
        return tickets

    return add


def _annotate(tickets, slugs, axis, other_category, corrected) -> None:
    classifier, sentiment = engine.find_ref("classifier"), engine.find_ref("sentiment")
    Prediction.objects.bulk_create(
        Prediction(
            ticket=ticket,
            kind=kind,
            label=label,
            confidence=0.8,
            scores=[[label, 0.8]],
            bundle_name=ref.name,
            bundle_version=ref.version,
            bundle_digest=ref.digest,
            text_sha256="",
            created_at=timezone.now() - timedelta(days=400),
        )
        for number, ticket in enumerate(tickets)
        for kind, label, ref in (
            ("category", slugs[number % len(slugs)], classifier),
            ("sentiment", "negative" if number % 5 == 0 else "neutral", sentiment),
        )
    )
    noise = np.random.default_rng(len(tickets)).normal(scale=0.05, size=(len(tickets), 384))
    noise[:, axis] += 1
    space = engine.active_space()
    TicketVector.objects.bulk_create(
        TicketVector(ticket=ticket, space=space, vector=vector, text_sha256="")
        for ticket, vector in zip(tickets, noise, strict=True)
    )
    for number, ticket in enumerate(tickets[:corrected]):
        Correction.objects.create(
            ticket=ticket, predicted=slugs[number % len(slugs)], category=other_category
        )


def state_of(measure: Measure, viewer) -> str:
    report = queries.read_report(viewer)
    return next(row.state for row in report.measures if row.measure == measure)


def test_usual_months_are_stable(add_month, dan):
    for month in (months_ago(2), months_ago(1)):
        add_month(month, 120)
    assert services.update_drift() is False
    report = queries.read_report(dan)
    assert report.reference == months_ago(2)
    states = {row.measure: row.state for row in report.measures}
    assert states.pop(Measure.CALIBRATION) == "unknown", "nobody confirmed a label"
    assert set(states.values()) == {"stable"}
    assert queries.list_alarms() == report.latest_alarms == []


@pytest.mark.parametrize(
    ("measure", "shift"),
    [
        (Measure.CLASSES, {"slugs": ("access", "data", "data")}),
        (Measure.LANGUAGES, {"language": "fr"}),
        (Measure.VOCABULARY, {"words": "ransomware locks every single workstation overnight"}),
        (Measure.CENTROID, {"axis": 7}),
        (Measure.OVERRIDES, {"corrected": 45}),
        (Measure.COVERAGE, {"slugs": ("", "", "access")}),
        (Measure.LENGTH, {"words": "printer " * 60}),
    ],
)
def test_shifted_month_is_an_alarm(add_month, dan, measure, shift):
    add_month(months_ago(2), 120)
    add_month(months_ago(1), 120, **shift)
    services.update_drift()
    assert state_of(measure, dan) == "alarm"
    assert measure in {alarm.measure for alarm in queries.list_alarms()}


def test_overconfident_labels_are_an_alarm(add_month, dan, categories):
    for months, every in ((2, 10), (1, 2)):  # one label in ten is wrong, then one in two
        CategoryLabel.objects.bulk_create(
            CategoryLabel(
                ticket=ticket,
                category=categories["access" if number % every else "email"],
                source="confirmed",
                predicted="access",
                confidence=0.95,
            )
            for number, ticket in enumerate(add_month(months_ago(months), 120)[:60])
        )
    services.update_drift()
    assert state_of(Measure.CALIBRATION, dan) == "alarm"
    CategoryLabel.objects.update(source="kept")
    services.request_drift_update(by=dan)
    services.update_drift()
    assert state_of(Measure.CALIBRATION, dan) == "unknown", "nobody looked at these"


def test_correction_that_was_taken_back_overrides_nothing(add_month, categories):
    (ticket, *_others) = add_month(months_ago(1), 30, corrected=1)
    assert profiles.read_profile(months_ago(1)).overridden == 1
    Correction.objects.create(ticket=ticket, predicted="access", category=categories["access"])
    assert profiles.read_profile(months_ago(1)).overridden == 0


def test_few_tickets_are_not_enough_instead_of_an_alarm(add_month, dan):
    add_month(months_ago(2), 120)
    add_month(months_ago(1), 10, language="fr", axis=9, slugs=("data",))
    services.update_drift()
    assert {row.state for row in queries.read_report(dan).measures} == {"unknown"}


def test_new_desk_has_no_measures(fake_engine, dan):
    assert services.update_drift() is False
    report = queries.read_report(dan)
    assert (report.reference, report.measures, queries.list_alarms()) == (None, [], [])


def test_month_is_not_judged_while_the_models_process_it(add_month, dan):
    add_month(months_ago(2), 120)
    tickets = add_month(months_ago(1), 120, language="fr")
    Prediction.objects.filter(ticket__in=tickets[:60]).delete()
    services.update_drift()
    assert state_of(Measure.LANGUAGES, dan) == "waiting"


def test_another_bundle_lets_all_months_be_computed_again(add_month, fake_engine, monkeypatch):
    for month in (months_ago(2), months_ago(1)):
        add_month(month, 120)
    services.update_drift()
    computed_at = DriftValue.objects.first().computed_at
    services.update_drift()
    assert DriftValue.objects.first().computed_at == computed_at, "nothing changed"
    ref = fake_engine.ref
    monkeypatch.setattr(
        fake_engine, "ref", lambda role: ref(role.replace("encoder", "new encoder"))
    )
    services.update_drift()
    assert DriftValue.objects.filter(computed_at__gt=computed_at).count() == 3 * len(Measure)


def test_corrected_ticket_lets_its_month_be_computed_again_the_next_day(add_month, categories):
    tickets = add_month(months_ago(3), 120)
    for months in (2, 1):
        add_month(months_ago(months), 120)
    services.update_drift()
    DriftSettings.objects.update(checked_at=timezone.now() - timedelta(days=1))
    Correction.objects.create(ticket=tickets[50], predicted="access", category=categories["email"])
    before = DriftValue.objects.get(month=months_ago(3), measure="overrides").value
    services.update_drift()
    assert DriftValue.objects.get(month=months_ago(3), measure="overrides").value > before


def test_words_of_closed_teams_are_not_named(add_month, dan):
    team = Team.objects.create(name="Night shift", is_closed=True)
    add_month(months_ago(2), 120)
    add_month(months_ago(1), 120, words="payroll secret", team=team)
    services.update_drift()
    assert state_of(Measure.VOCABULARY, dan) in ("alarm", "watch")
    details = DriftValue.objects.get(month=months_ago(1), measure="vocabulary").details
    assert details["words"] == []


def test_only_admins_read_and_change_model_quality(bob, alice):
    for viewer in (bob, alice):
        with pytest.raises(ForbiddenError):
            queries.read_report(viewer)
        with pytest.raises(ForbiddenError):
            services.change_drift_settings(by=viewer, reference=None, thresholds={})
        with pytest.raises(ForbiddenError):
            services.request_drift_update(by=viewer)


def test_threshold_of_an_admin_is_applied_at_once_and_audited(add_month, dan):
    add_month(months_ago(2), 120)
    add_month(months_ago(1), 120, language="fr")
    services.update_drift()
    assert services.change_drift_settings(by=dan, reference=None, thresholds={"languages": 15})
    assert state_of(Measure.LANGUAGES, dan) != "alarm"
    assert AuditEntry.objects.filter(kind="model quality", actor_name=str(dan)).count() == 1
    assert not services.change_drift_settings(by=dan, reference=None, thresholds={"languages": 15})


def test_reference_is_a_complete_month_with_enough_tickets(add_month, dan):
    add_month(months_ago(3), 10)
    add_month(months_ago(2), 40)
    add_month(months_ago(1), 120)
    services.update_drift()
    assert DriftSettings.objects.get().reference == months_ago(1), "the first with 100 tickets"
    assert list(references.list_candidates(DriftSettings.objects.get())) == [
        months_ago(2),
        months_ago(1),
    ]
    services.change_drift_settings(by=dan, reference=months_ago(2), thresholds={})
    services.update_drift()
    assert DriftSettings.objects.get().reference == months_ago(2)
    for wrong in (months_ago(3), months_ago(0)):
        with pytest.raises(BadInputError):
            services.change_drift_settings(by=dan, reference=wrong, thresholds={})


def test_reference_stays_until_another_bundle_is_active(add_month, fake_engine):
    add_month(months_ago(2), 120)
    services.update_drift()
    add_month(months_ago(4), 120)
    services.update_drift()
    assert DriftSettings.objects.get().reference == months_ago(2)


def test_reference_is_after_the_activation_of_the_bundle(add_month, fake_engine):
    for months in (3, 2, 1):
        add_month(months_ago(months), 120)
    activated_at = profiles.start_of_month(months_ago(3)) + timedelta(days=9)
    Prediction.objects.update(created_at=activated_at)
    services.update_drift()
    assert DriftSettings.objects.get().reference == months_ago(2)
