"""The pages of outgoing e-mail: the mail server and its test, sender addresses, texts."""

import pytest
from django.core import mail
from django.urls import reverse

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError
from appliance.core.models import AuditEntry
from appliance.notifications import email_texts, senders, services
from appliance.notifications.models import EmailSettings, EmailText, Kind, SenderAddress

SETTINGS = {
    "host": "mail.example.org",
    "port": "587",
    "security": "starttls",
    "user": "desk",
    "password": "secret words",
    "acknowledged_channels": ["email"],
    "max_acknowledgements_per_hour": "5",
    "max_emails_per_minute": "120",
    "max_attachments_mb": "15",
}


def save(client, **values: object):
    return client.post(reverse("email-settings"), SETTINGS | values)


def test_mail_server_is_saved_and_its_password_shown_nowhere(dan_client):
    assert save(dan_client).status_code == 302
    row = EmailSettings.objects.get()
    assert (row.host, row.password) == ("mail.example.org", "secret words")
    page = dan_client.get(reverse("email-settings")).content.decode()
    assert "secret words" not in page
    assert all("secret words" not in str(entry.data) for entry in AuditEntry.objects.all())


def test_password_stays_with_its_server(dan_client):
    save(dan_client)
    assert save(dan_client, password="").status_code == 302
    assert EmailSettings.objects.get().password == "secret words"
    page = save(dan_client, password="", host="elsewhere.example")
    assert page.status_code == 400 and "Enter the password again" in page.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("security", "none", "Only a mail server on this machine"),
        ("ca_certificate", "-----BEGIN NOTHING", "This is no certificate in PEM"),
        ("port", "70000", "65535"),
    ],
)
def test_refused_setting_names_its_field(dan_client, field, value, reason):
    page = save(dan_client, **{field: value})
    assert reason in " ".join(page.context["form"].errors[field])
    assert not EmailSettings.objects.exclude(host="").exists()


def test_server_of_the_environment_wins(dan_client, settings):
    save(dan_client)
    settings.EMAIL_HOST = "environment.example"
    assert senders.find_mail_server().host == "environment.example"
    save(dan_client, host="other.example", password="other")
    assert EmailSettings.objects.get().host == "mail.example.org"
    page = dan_client.get(reverse("email-settings")).content.decode()
    assert "SKERRY_SMTP_HOST in the environment" in page


def send_test(client) -> str:
    """Return the error of the test, empty if the e-mail was sent."""
    page = client.post(reverse("send-test-email"), {"to": "dan@example.org"})
    return "" if page.status_code == 302 else page.context["test_form"].errors["to"][0]


def test_test_email_is_sent_at_once(dan_client):
    assert "Enter the mail server" in send_test(dan_client)
    save(dan_client)
    assert "Add a sender address" in send_test(dan_client)
    SenderAddress.objects.create(address="desk@example.org", is_default=True)
    assert send_test(dan_client) == ""
    assert mail.outbox[0].to == ["dan@example.org"]


def test_test_email_says_in_plain_words_what_is_wrong(dan_client, settings):
    settings.EMAIL_BACKEND = "appliance.notifications.smtp.EmailBackend"
    SenderAddress.objects.create(address="desk@example.org", is_default=True)
    save(dan_client, host="127.0.0.1", port="9")
    assert send_test(dan_client) == "Nothing listens on port 9 of 127.0.0.1. Check the port."


# --- sender addresses


def test_exactly_one_sender_address_is_the_default(dan):
    first = services.add_sender_address(by=dan, address="a@example.org")
    second = services.add_sender_address(by=dan, address="b@example.org", is_default=True)
    assert [*SenderAddress.objects.filter(is_default=True)] == [second]
    with pytest.raises(BadInputError, match="default"):
        services.remove_sender_address(sender_address=second, by=dan)
    first.refresh_from_db()
    services.remove_sender_address(sender_address=first, by=dan)
    services.remove_sender_address(sender_address=second, by=dan)  # the last one may go


def test_team_and_address_have_one_sender_address(dan):
    team = Team.objects.create(name="Harbour")
    services.add_sender_address(by=dan, address="a@example.org", team=team)
    with pytest.raises(BadInputError, match="Harbour already has the address"):
        services.add_sender_address(by=dan, address="b@example.org", team=team)
    with pytest.raises(BadInputError, match="in the list already"):
        services.add_sender_address(by=dan, address="A@example.org")


# --- texts


def edit(client, action: str = "", view: str = "edit-email-text", **values: str):
    path = reverse(view, args=["answer", "en"])
    return client.post(path, {"subject": "About {ticket.number}", "action": action} | values)


def test_text_is_changed_previewed_and_reset(dan_client):
    body = "Dear {recipient.name},\n\n**{message}**\n\n{nothing else}"
    assert edit(dan_client, body=body).status_code == 302
    text = email_texts.find_text(Kind.ANSWER, "en")
    assert text.is_changed and text.subject == "About {ticket.number}"
    html = edit(dan_client, view="preview-email-text", body=body).content.decode()
    assert "Dear Alice," in html and "off and on" in html and "{nothing else}" in html
    plain = edit(dan_client, "plain", view="preview-email-text", body=body).content.decode()
    assert plain.startswith("About SKR-1042\n") and "<p" not in plain
    edit(dan_client, "reset")
    assert not EmailText.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("body", "Hello {nobody.name} {message}"),
        ("body", "Hello {recipient.__class__} {message}"),
        ("body", "Nothing of the reply"),
        ("subject", "{message}"),
    ],
)
def test_text_with_a_wrong_variable_is_refused_at_its_field(dan_client, field, value):
    page = edit(dan_client, **({"body": "{message}"} | {field: value}))
    assert page.status_code == 400 and [*page.context["form"].errors] == [field]
    assert not EmailText.objects.exists()


def test_preview_may_load_nothing_from_elsewhere(dan_client):
    response = edit(dan_client, view="preview-email-text", body="{message} <script>x</script>")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy
    assert b"<script" not in response.content


def test_every_shipped_text_passes_its_own_check():
    for language in ("en", "de"):
        for kind in email_texts.LABELS:
            text = email_texts.shipped_text(kind, language)
            email_texts.check(kind, text.subject, text.body)
