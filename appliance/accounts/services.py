"""Verbs on people: every write goes through here."""

from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from appliance.accounts import queries
from appliance.accounts.models import Customer, Organisation, Role, SetupLink, User
from appliance.accounts.tokens import hash_token, new_token
from appliance.core.errors import BadInputError

SETUP_LINK_HOURS = 24


def add_user(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    role: Role = Role.CUSTOMER,
    password: str | None,
) -> User:
    """A new log-in. ``password=None`` makes one that cannot log in until a password is set.

    Raises BadInputError when the address has a log-in already or the password is too weak.
    """
    user = User(email=email.strip().lower(), first_name=first_name, last_name=last_name, role=role)
    user.is_superuser = role == Role.ADMIN  # Django's own pages ask for this flag
    if password is None:
        user.set_unusable_password()
    else:
        _check_password(password, user)
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise BadInputError(
            f"{user.email} has an account already. Log in with it instead.", field="email"
        ) from error
    return user


def set_password(*, user: User, password: str) -> None:
    """A new password; whoever is logged in with the old one is logged out."""
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadInputError(" ".join(error.messages), field="password") from error


@transaction.atomic
def register_customer(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    organisation_said: str = "",
    password: str | None,
) -> Customer:
    """A customer with a log-in. Raises BadInputError when the address is known already.

    A customer known by e-mail alone is not handed to whoever registers that address: nothing
    has shown that the address is theirs. An admin joins the two.
    """
    user = add_user(email=email, first_name=first_name, last_name=last_name, password=password)
    return add_customer(
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation_said=organisation_said,
        user=user,
    )


def add_customer(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    organisation_said: str = "",
    is_premium: bool = False,
    user: User | None = None,
) -> Customer:
    """Raises BadInputError when the address is known already."""
    customer = Customer(
        email=email.strip().lower(),
        first_name=first_name,
        last_name=last_name,
        organisation_said=organisation_said,
        is_premium=is_premium,
        user=user,
    )
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
    except IntegrityError as error:
        raise BadInputError(
            f"{email} is known to this desk already. Log in, or ask an agent to open a log-in "
            "for you.",
            field="email",
        ) from error
    return customer


def ensure_customer(*, email: str, first_name: str, last_name: str = "") -> Customer:
    """Whoever has this address; a new customer when the desk does not know it yet."""
    try:
        return queries.find_customer(email=email) or add_customer(
            email=email, first_name=first_name, last_name=last_name
        )
    except BadInputError:  # somebody else added them in the meantime
        return Customer.objects.get(email__iexact=email.strip())


def ensure_customer_of(user: User) -> Customer:
    """The customer record of whoever opens a ticket; agents ask for help, too."""
    if hasattr(user, "customer"):
        return user.customer
    customer = ensure_customer(
        email=user.email, first_name=user.first_name, last_name=user.last_name
    )
    if customer.user_id is None:
        customer.user = user
        customer.save(update_fields=["user"])
    if customer.user_id != user.pk:
        raise BadInputError(f"{user.email} is the address of another log-in. An admin can mend it.")
    return customer


def ensure_organisation(*, name: str) -> Organisation:
    """The organisation of this name, whatever its case; a new one when there is none."""
    name = name.strip()
    known = Organisation.objects.filter(name__iexact=name).first()
    return known or Organisation.objects.create(name=name)


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
