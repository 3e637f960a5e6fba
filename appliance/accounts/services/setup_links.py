"""The one-time link to the set-up page."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from appliance.accounts.models import SetupLink
from appliance.accounts.tokens import hash_token, new_token

SETUP_LINK_HOURS = 24


@transaction.atomic
def make_setup_link() -> str:
    """A fresh single-use token for the set-up page; tokens made before stop working."""
    SetupLink.objects.all().delete()
    token = new_token()
    SetupLink.objects.create(
        token_sha256=hash_token(token),
        expires_at=timezone.now() + timedelta(hours=SETUP_LINK_HOURS),
    )
    return token


def use_setup_link(token: str) -> bool:
    """Use the token up. False when somebody was faster; call it inside the set-up transaction."""
    deleted, _ = SetupLink.objects.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now()
    ).delete()
    return deleted == 1
