from django.db import models
from django.utils.translation import gettext_lazy as _


class TicketCategory(models.Model):
    """What a ticket is about. Zero-label sorting reads the description and the examples."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.TextField(max_length=1000, blank=True)
    examples = models.JSONField(
        default=list, blank=True, help_text="Short phrases a customer would write, as a list."
    )
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "ticket categories"

    def __str__(self) -> str:
        return self.name

    @property
    def reading(self) -> str:
        """What the sorter reads to know this category."""
        return ". ".join([self.name, self.description.rstrip("."), *map(str, self.examples)])


class CustomField(models.Model):
    """A question asked on tickets of some categories; the answers stand in ``Ticket.fields``."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        CHOICE = "choice", _("Selection")
        DATE = "date", _("Date")

    key = models.SlugField(max_length=40, unique=True, help_text="The name in the data. Fixed.")
    label = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.TEXT)
    choices = models.JSONField(default=list, blank=True, help_text="Of a choice: one text each.")
    categories = models.ManyToManyField(
        TicketCategory, blank=True, related_name="fields", help_text="None chosen: all of them."
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
    """A word agents put on tickets. One spelling, whatever the case."""

    name = models.CharField(max_length=40)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(models.functions.Upper("name"), name="tag_name_unique")
        ]

    def __str__(self) -> str:
        return self.name
