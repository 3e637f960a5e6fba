"""What the bundles said of a text: annotations, vectors, and corrections of them.

Every row names the bundle that made it and the digest of the text it read, so work that is
missing, older than the text, or made by another bundle is found by query.
"""

from typing import Self

import numpy as np
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from pgvector.django import CosineDistance, HalfVectorField

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import engine

DIMENSIONS = 384
NOT_SURE = ""


class Prediction(models.Model):
    """What one bundle said of one ticket: its category or its sentiment."""

    class Kind(models.TextChoices):
        CATEGORY = "category", "Category"
        SENTIMENT = "sentiment", "Sentiment"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="predictions")
    kind = models.CharField(max_length=10, choices=Kind)
    label = models.CharField(max_length=40, blank=True, help_text="Empty means: not sure.")
    held_back = models.CharField(
        max_length=40, blank=True, db_default="", help_text="Not said yet: see decision 0008."
    )
    confidence = models.FloatField()
    scores = models.JSONField(default=list, help_text="[label, score] pairs, best first")
    bundle_name = models.CharField(max_length=80)
    bundle_version = models.CharField(max_length=40)
    bundle_digest = models.CharField(max_length=64)
    text_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "kind"], name="annotation_one_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.label or 'not sure'} ({self.confidence:.2f})"

    @property
    def bundle(self) -> str:
        """Who said it, for a person: name and version."""
        return f"{self.bundle_name} {self.bundle_version}"

    @property
    def is_decided(self) -> bool:
        return self.label != NOT_SURE


class VectorQuerySet(models.QuerySet):
    """Vectors of several spaces lie side by side, and a distance across two of them means nothing.
    Read through one of these two, never across.
    """

    def in_reading_space(self) -> Self:
        """Those the desk reads now; none while there is no encoder."""
        space = engine.reading_space()
        return self.none() if space is None else self.filter(space=space)

    def nearest_to(self, vector: np.ndarray, space: str) -> Self:
        """Nearest first, with ``distance``; ``vector`` is of this space."""
        return (
            self.filter(space=space)
            .annotate(distance=CosineDistance("vector", vector))
            .order_by("distance")
        )


class TicketVectorQuerySet(VectorQuerySet):
    def visible_to(self, viewer: User) -> "TicketVectorQuerySet":
        """Of the tickets the viewer sees. An agent from whom nothing is hidden needs no join:
        the index is walked freely.
        """
        if not (viewer.is_authenticated and viewer.is_active and viewer.is_agent):
            return self.filter(ticket__in=Ticket.objects.visible_to(viewer))
        hidden = accounts_queries.hidden_team_ids(viewer)
        return self.exclude(ticket__team__in=hidden) if hidden else self

    def may_vote_for(self, viewer: User) -> "TicketVectorQuerySet":
        """Of the tickets whose articles count for this viewer: an agent's own, else all but those
        of closed teams. Who is no agent is told how many there are and nothing else.
        """
        if viewer.is_active and viewer.is_agent:
            return self.visible_to(viewer)
        closed = accounts_queries.closed_team_ids()
        return self.exclude(ticket__team__in=closed) if closed else self


class TicketVector(models.Model):
    """The meaning of a ticket in one vector space, whose HNSW index spaces.py keeps: it serves
    similar tickets and search by meaning.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="vectors")
    space = models.CharField(max_length=80)
    vector = HalfVectorField(dimensions=DIMENSIONS)
    text_sha256 = models.CharField(max_length=64)

    objects = TicketVectorQuerySet.as_manager()

    class Meta:
        constraints = [
            # the space first: serves the backlog, the count of a space and its end
            models.UniqueConstraint(fields=["space", "ticket"], name="ticket_vector_once_a_space"),
        ]

    def __str__(self) -> str:
        return f"vector of SKR-{self.ticket_id} in {self.space}"


class PassageQuerySet(VectorQuerySet):
    def visible_to(self, viewer: User) -> "PassageQuerySet":
        """Of the articles the viewer may read. No join for an agent."""
        if viewer.is_authenticated and viewer.is_active and viewer.is_agent:
            return self
        return self.filter(article__in=Article.objects.visible_to(viewer))


class Passage(models.Model):
    """A piece of an article, small enough to mean one thing, in one vector space, whose HNSW index
    spaces.py keeps: it serves suggestions and search by meaning.
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
            # the space first: serves the backlog, the count of a space and its end
            models.UniqueConstraint(
                fields=["space", "article", "position"], name="passage_once_a_space"
            ),
        ]

    def __str__(self) -> str:
        return f"passage {self.position} of {self.article_id}"


class Correction(models.Model):
    """A person chose another category than the bundle did (or chose where it was not sure)."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="corrections")
    predicted = models.CharField(max_length=40, blank=True, help_text="What the bundle had said.")
    held_back = models.CharField(
        max_length=40, blank=True, db_default="", help_text="What it would have said, less careful."
    )
    category = models.ForeignKey(
        TicketCategory, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    bundle_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        indexes = [
            # serves the question whether the sorter has proven itself here (caution.py)
            models.Index(
                fields=["bundle_digest", "-id"],
                condition=~models.Q(held_back=""),
                name="correction_held_back",
            ),
        ]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id}: {self.predicted or 'not sure'} → {self.category}"


class AnnotationLease(models.Model):
    """A text that is being read now, or one the bundles broke on. Gone once all went well."""

    class Kind(models.TextChoices):
        TICKET = "ticket", "Ticket"
        ARTICLE = "article", "Article"
        # by the next encoder, beside what is read now
        NEXT_TICKET = "next_ticket", "Ticket (next encoder)"
        NEXT_ARTICLE = "next_article", "Article (next encoder)"

    kind = models.CharField(max_length=16, choices=Kind)
    object_id = models.BigIntegerField()
    text_sha256 = models.CharField(max_length=64)
    bundles = models.CharField(max_length=64, help_text="Which bundles were asked.")
    tries = models.PositiveSmallIntegerField()
    leased_until = models.DateTimeField(null=True, help_text="Whoever reads it has it until then.")
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id"], name="attempt_one_a_text"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}, try {self.tries}"
