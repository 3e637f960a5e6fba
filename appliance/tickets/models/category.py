from django.db import models
from django.utils.translation import gettext_lazy as _


class TicketCategory(models.Model):
    """The topic of a ticket. The zero-shot classifier reads the description and the examples."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.TextField(max_length=1000, blank=True)
    examples = models.JSONField(
        default=list, blank=True, help_text="Phrases that customers would write, as a list."
    )
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "ticket categories"

    def __str__(self) -> str:
        return self.name

    @property
    def classifier_text(self) -> str:
        """The text by which the classifier knows this category."""
        return ". ".join([self.name, self.description.rstrip("."), *map(str, self.examples)])


class CustomField(models.Model):
    """A field that tickets of some or all categories have, or customers.

    Values are in ``Ticket.fields`` or ``Customer.fields``.
    """

    class Owner(models.TextChoices):
        TICKET = "ticket", _("Ticket")
        CUSTOMER = "customer", _("Customer")

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        CHOICE = "choice", _("Selection")
        DATE = "date", _("Date")

    key = models.SlugField(
        max_length=40, unique=True, help_text="The name in Ticket.fields. Fixed."
    )
    owner = models.CharField(
        max_length=10, choices=Owner, default=Owner.TICKET, db_default=Owner.TICKET
    )
    label = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.TEXT)
    choices = models.JSONField(
        default=list, blank=True, help_text="Of the kind choice: one text each."
    )
    categories = models.ManyToManyField(
        TicketCategory, blank=True, related_name="fields", help_text="Without any: all categories."
    )
    is_required = models.BooleanField(default=False)
    is_for_customers = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "label"]

    def __str__(self) -> str:
        return self.label


class Tag(models.Model):
    """A label that agents put on tickets; unique whatever its case."""

    name = models.CharField(max_length=40)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(models.functions.Upper("name"), name="tag_name_unique")
        ]

    def __str__(self) -> str:
        return self.name
