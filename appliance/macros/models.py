"""Canned responses, and macros that apply several actions at once."""

from typing import TypeVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Right, Team, User, Viewer
from appliance.accounts.permissions import has_right

Template = TypeVar("Template", bound="AgentTemplate")


class Audience(models.TextChoices):
    """Who may use a canned response or macro."""

    OWN = "own", _("Only me")
    TEAM = "team", _("Team")
    ALL = "all", _("All agents")


class AgentTemplateQuerySet(models.QuerySet[Template]):
    def visible_to(self, viewer: Viewer) -> "AgentTemplateQuerySet[Template]":
        """Return what the agent may use: their own, their teams' and shared ones."""
        if not viewer.is_authenticated or not viewer.is_active or not viewer.is_agent:
            return self.none()
        teams = Team.objects.filter(memberships__user=viewer, is_active=True)
        own = Q(owner=viewer, team=None, is_shared=False)
        return self.filter(own | Q(is_shared=True) | Q(team__in=teams))

    def editable_by(self, viewer: Viewer) -> "AgentTemplateQuerySet[Template]":
        """Return what the agent may change: their own, and shared ones with the right to share.

        Admins may change those of all teams. Private ones are only changed by their owner.
        """
        if not viewer.is_authenticated or not viewer.is_agent:
            return self.none()
        own = Q(owner=viewer, team=None, is_shared=False)
        if viewer.is_admin:
            return self.filter(own | Q(is_shared=True) | Q(team__isnull=False))
        if has_right(viewer, Right.SHARE):
            return self.visible_to(viewer)
        return self.filter(own)


class AgentTemplate(models.Model):
    """A canned response or macro: private, of a team, or shared with all agents."""

    name = models.CharField(_("name"), max_length=80)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    is_shared = models.BooleanField(default=False)
    uses = models.PositiveIntegerField(default=0, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    objects = AgentTemplateQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def audience(self) -> Audience:
        """Return who may use it."""
        if self.is_shared:
            return Audience.ALL
        return Audience.TEAM if self.team_id else Audience.OWN


class CannedResponse(AgentTemplate):
    """A reply text with variables from the fixed table in variables.py."""

    shortcut = models.SlugField(_("shortcut"), max_length=30, blank=True)
    body = models.TextField(_("text"), max_length=20_000)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "canned response"
        verbose_name_plural = "canned responses"
        constraints = [
            models.CheckConstraint(
                condition=Q(is_shared=False) | Q(team=None), name="canned_response_one_audience"
            ),
            models.UniqueConstraint(
                Upper("shortcut"),
                "owner",
                condition=~Q(shortcut=""),
                name="canned_response_shortcut_unique",
            ),
        ]


class Macro(AgentTemplate):
    """Several actions on a ticket with one click. ``actions`` is validated by actions.py."""

    description = models.CharField(_("description"), max_length=200, blank=True)
    actions = models.JSONField(default=dict)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_shared=False) | Q(team=None), name="macro_one_audience"
            ),
        ]

    @property
    def sends_reply(self) -> bool:
        return bool(self.actions.get("canned_response"))
