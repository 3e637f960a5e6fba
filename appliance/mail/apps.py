from django.apps import AppConfig


class MailConfig(AppConfig):
    """E-mail in: mailboxes, received e-mails and what became of them."""

    name = "appliance.mail"
