"""Predictions and vectors of texts, and corrections of predictions.

Every row names the bundle that made it and the digest of its text, so that missing and outdated
rows are found by query.
"""

from typing import Self, TypeVar

import numpy as np
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from pgvector.django import CosineDistance, HalfVectorField

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User, Viewer
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import engine

DIMENSIONS = 384
NOT_SURE = ""
VectorModel = TypeVar("VectorModel", bound=models.Model)


class Prediction(models.Model):
    """The category or the sentiment that a bundle predicted for a ticket, or its language.

    The language is recognised by a library (``triage/language.py``), which is named as a bundle is.
    """

    class Kind(models.TextChoices):
        CATEGORY = "category", "Category"
        SENTIMENT = "sentiment", "Sentiment"
        LANGUAGE = "language", "Language"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="predictions")
    kind = models.CharField(max_length=10, choices=Kind)
    label = models.CharField(max_length=40, blank=True, help_text="Empty means: not sure.")
    withheld_label = models.CharField(
        max_length=40, blank=True, db_default="", help_text="Predicted in a cold start: decision 8."
    )
    is_other_language = models.BooleanField(
        default=False, db_default=False, help_text="The bundle was not measured on the language."
    )
    confidence = models.FloatField()
    scores = models.JSONField(default=list, help_text="[label, score] pairs, best first")
    head = models.BigIntegerField(
        default=0, db_default=0, help_text="The learned head that took part; 0: none."
    )
    base = models.JSONField(
        default=dict, db_default={}, help_text="Without that head: label, withheld_label, scores."
    )
    bundle_name = models.CharField(max_length=80)
    bundle_version = models.CharField(max_length=40)
    bundle_digest = models.CharField(max_length=64)
    text_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "kind"], name="prediction_once_per_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.label or 'not sure'} ({self.confidence:.2f})"

    @property
    def bundle(self) -> str:
        """Name and version of the bundle, for display."""
        return f"{self.bundle_name} {self.bundle_version}"

    @property
    def is_decided(self) -> bool:
        return self.label != NOT_SURE


class VectorQuerySet(models.QuerySet[VectorModel]):
    """Vectors of several embedding spaces in one table.

    A distance between two spaces means nothing, so every read names its space through one of these
    methods.
    """

    def in_active_space(self) -> Self:
        """Filter by the space that searches use; empty without an encoder."""
        space = engine.active_space()
        return self.none() if space is None else self.filter(space=space)

    def nearest_to(self, vector: np.ndarray, space: str) -> Self:
        """Order by ``distance``, nearest first; ``vector`` is of this space."""
        return (
            self.filter(space=space)
            .annotate(distance=CosineDistance("vector", vector))
            .order_by("distance")
        )


class TicketVectorQuerySet(VectorQuerySet["TicketVector"]):
    def visible_to(self, viewer: User) -> "TicketVectorQuerySet":
        """Filter by the tickets the viewer may see.

        Needs no join for an agent from whom nothing is hidden, so that the index alone answers.
        """
        if not (viewer.is_authenticated and viewer.is_active and viewer.is_agent):
            return self.filter(ticket__in=Ticket.objects.visible_to(viewer))
        hidden = accounts_queries.hidden_team_ids(viewer)
        return self.exclude(ticket__team__in=hidden) if hidden else self

    def evidence_for(self, viewer: User) -> "TicketVectorQuerySet":
        """Filter by the tickets whose articles count in the viewer's suggestions.

        Agents: the tickets they may see. Others: all but those of closed teams, of which only a
        count is shown.
        """
        if viewer.is_active and viewer.is_agent:
            return self.visible_to(viewer)
        closed = accounts_queries.closed_team_ids()
        return self.exclude(ticket__team__in=closed) if closed else self


class TicketVector(models.Model):
    """The vector of a ticket in one embedding space, for similar tickets and semantic search.

    ``services/spaces.py`` creates the HNSW index of each space.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="vectors")
    space = models.CharField(max_length=80)
    vector = HalfVectorField(dimensions=DIMENSIONS)
    text_sha256 = models.CharField(max_length=64)

    objects = TicketVectorQuerySet.as_manager()

    class Meta:
        constraints = [
            # the space first: serves the work queue, the count of a space and its deletion
            models.UniqueConstraint(
                fields=["space", "ticket"], name="ticket_vector_once_per_space"
            ),
        ]

    def __str__(self) -> str:
        return f"vector of SKR-{self.ticket_id} in {self.space}"


class PassageQuerySet(VectorQuerySet["Passage"]):
    def visible_to(self, viewer: Viewer) -> "PassageQuerySet":
        """Filter by the articles the viewer may read; no join for an agent."""
        if viewer.is_authenticated and viewer.is_active and viewer.is_agent:
            return self
        return self.filter(article__in=Article.objects.visible_to(viewer))


class Passage(models.Model):
    """A part of an article with its vector in one embedding space.

    Serves suggestions and semantic search. ``services/spaces.py`` creates the HNSW index of each
    space.
    """

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="passages")
    position = models.PositiveSmallIntegerField()
    text = models.TextField()
    space = models.CharField(max_length=80)
    vector = HalfVectorField(dimensions=DIMENSIONS)
    text_sha256 = models.CharField(max_length=64, help_text="of the whole article")

    objects = PassageQuerySet.as_manager()

    class Meta:
        ordering = ["article", "position"]
        constraints = [
            # the space first: serves the work queue, the count of a space and its deletion
            models.UniqueConstraint(
                fields=["space", "article", "position"], name="passage_once_per_space"
            ),
        ]

    def __str__(self) -> str:
        return f"passage {self.position} of {self.article_id}"


class Correction(models.Model):
    """A person chose another category than the one predicted, or one where it was not sure."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="corrections")
    predicted = models.CharField(max_length=40, blank=True, help_text="The label before.")
    withheld_label = models.CharField(
        max_length=40, blank=True, db_default="", help_text="Predicted in a cold start: decision 8."
    )
    category = models.ForeignKey(
        TicketCategory, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    bundle_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        indexes = [
            # serves the cold-start gate (classifier.py)
            models.Index(
                fields=["bundle_digest", "-id"],
                condition=~models.Q(withheld_label=""),
                name="correction_withheld_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id}: {self.predicted or 'not sure'} → {self.category}"
