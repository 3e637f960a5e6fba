"""When people work."""

from django.db import models


class Calendar(models.Model):
    """Working hours of a week in one time zone, and the days nobody works."""

    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(max_length=60, default="UTC", help_text="An IANA name.")
    hours = models.JSONField(
        default=dict,
        help_text='Day of the week (0 is Monday) to spans: {"0": [["08:00", "17:00"]]}.',
    )
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="calendar_one_default",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    """A day off: once, or every year on that date."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="holidays")
    on = models.DateField()
    name = models.CharField(max_length=80)
    is_yearly = models.BooleanField(default=False)

    class Meta:
        ordering = ["on"]
        constraints = [models.UniqueConstraint(fields=["calendar", "on"], name="holiday_unique")]

    def __str__(self) -> str:
        return f"{self.name}, {self.on}"
