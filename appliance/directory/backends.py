"""Let people in with the password of a directory. It comes last of AUTHENTICATION_BACKENDS."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.directory import services


class DirectoryBackend(ModelBackend):
    """Ask the directories. Limits are checked by the backends and the form before this one."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        """Return the user; raises ValidationError, which a form shows, if nobody can be asked."""
        name = username or credentials.get("email") or ""
        try:
            return services.log_in(name=name, password=password or "")
        except BadInputError as error:
            raise ValidationError(str(error), code="directory") from error
