"""The record of who signed in, or tried to."""

from datetime import timedelta

from django.utils import timezone

from appliance.accounts.models import LoginAttempt
from appliance.accounts.security import fold_login_name

LOGIN_ATTEMPT_DAYS = 180
MAX_USER_AGENT = LoginAttempt._meta.get_field("user_agent").max_length


def record_login_attempt(
    *, name: str, ip_address: str, user_agent: str, is_successful: bool
) -> None:
    """Record an attempt, and forget those of half a year ago."""
    since = timezone.now() - timedelta(days=LOGIN_ATTEMPT_DAYS)
    LoginAttempt.objects.filter(created_at__lt=since).delete()
    LoginAttempt.objects.create(
        name=fold_login_name(name),
        ip_address=ip_address,
        user_agent=user_agent[:MAX_USER_AGENT],
        is_successful=is_successful,
    )


def erase_login_attempts(*, email: str) -> None:
    """Erase the attempts with an address."""
    LoginAttempt.objects.filter(name=fold_login_name(email)).delete()
