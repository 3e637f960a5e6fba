from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from appliance.accounts import queries, services


class Command(BaseCommand):
    """For whoever runs the machine, when the last administrator is locked out."""

    help = "Remove the second factor of a user, who then signs in with the password alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="e-mail address of the user")

    def handle(self, *, email: str, **options: Any) -> None:
        person = queries.find_user(email=email)
        if person is None:
            raise CommandError(f"no user has the address {email}")
        if not services.reset_second_factor(person=person, by=None):
            raise CommandError(f"{person.email} has no second factor")
        self.stdout.write(f"{person.email} signs in with the password alone now.")
