"""What agents keep at hand: canned replies, and macros that do several things at once."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Right, Team, User
from appliance.accounts.queries import has_right


class Audience(models.TextChoices):
    OWN = "own", _("Only me")
    TEAM = "team", _("A team")
    ALL = "all", _("Every agent")


class ShortcutQuerySet(models.QuerySet):
    def visible_to(self, viewer: User) -> "ShortcutQuerySet":
        """What the agent may use: their own, those of their teams, those of everybody."""
        if not viewer.is_authenticated or not viewer.is_active or not viewer.is_agent:
            return self.none()
        teams = Team.objects.filter(memberships__user=viewer, is_active=True)
        own = Q(owner=viewer, team=None, is_shared=False)
        return self.filter(own | Q(is_shared=True) | Q(team__in=teams))

    def editable_by(self, viewer: User) -> "ShortcutQuerySet":
        """What the agent may change: shared ones need the right to share, admins have it for all
        teams. Nobody changes what another keeps for themselves.
        """
        if not viewer.is_authenticated or not viewer.is_agent:
            return self.none()
        own = Q(owner=viewer, team=None, is_shared=False)
        if viewer.is_admin:
            return self.filter(own | Q(is_shared=True) | Q(team__isnull=False))
        if has_right(viewer, Right.SHARE):
            return self.visible_to(viewer)
        return self.filter(own)


class Shortcut(models.Model):
    """Of one person, of a team, or of every agent."""

    name = models.CharField(_("name"), max_length=80)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    is_shared = models.BooleanField(default=False)
    uses = models.PositiveIntegerField(default=0, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    objects = ShortcutQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def audience(self) -> Audience:
        if self.is_shared:
            return Audience.ALL
        return Audience.TEAM if self.team_id else Audience.OWN


class CannedReply(Shortcut):
    """A text used again and again, with variables from a fixed table."""

    shortcut = models.SlugField(_("shortcut"), max_length=30, blank=True)
    body = models.TextField(_("text"), max_length=20_000)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "canned reply"
        verbose_name_plural = "canned replies"
        constraints = [
            models.CheckConstraint(
                condition=Q(is_shared=False) | Q(team=None), name="canned_one_audience"
            ),
            models.UniqueConstraint(
                Upper("shortcut"), "owner", condition=~Q(shortcut=""), name="canned_shortcut_unique"
            ),
        ]


class Macro(Shortcut):
    """Several changes of a ticket at once, with one click. ``actions`` is what actions.py reads."""

    description = models.CharField(_("description"), max_length=200, blank=True)
    actions = models.JSONField(default=dict)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_shared=False) | Q(team=None), name="macro_one_audience"
            ),
        ]
