"""The desk itself."""

from django.db import models


class Desk(models.Model):
    """One row: this desk's name, and when it was set up."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=80, default="Help desk")
    set_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="desk_is_one_row")]
        verbose_name_plural = "desk"

    def __str__(self) -> str:
        return self.name
