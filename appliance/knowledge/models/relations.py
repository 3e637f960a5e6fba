"""What hangs on an article: its files, the tickets it was sent to, and what readers think."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.files.models import StoredFile
from appliance.knowledge.models.article import Article
from appliance.tickets.models import Ticket


class ArticleFile(models.Model):
    """A picture or another file of an article. Who reads the article gets it."""

    article = models.ForeignKey(  # indexed by the constraint below
        Article, on_delete=models.CASCADE, related_name="files", db_index=False
    )
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200, help_text="What the text calls it: ![…](name).")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["article", "name"], name="article_file_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.article_id}"


class ArticleLink(models.Model):
    """An article belongs to a ticket: it was sent there, or somebody said that it answers it."""

    class How(models.TextChoices):
        """In the order of weight: a link made again keeps the heavier one."""

        LINKED = "linked", _("linked manually")
        ACCEPTED = "accepted", _("suggestion accepted")
        SENT = "sent", _("inserted in a reply")

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="links")
    ticket = models.ForeignKey(  # indexed by the constraint below
        Ticket, on_delete=models.CASCADE, related_name="article_links", db_index=False
    )
    how = models.CharField(max_length=8, choices=How)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "article"], name="article_link_once"),
        ]

    def __str__(self) -> str:
        return f"{self.article_id} {self.how} on SKR-{self.ticket_id}"


class ArticleVote(models.Model):
    """Whether an article helped somebody: a person, or a stranger's session, once."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="votes_cast")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    session_sha256 = models.CharField(max_length=64, blank=True, help_text="Of a stranger.")
    is_helpful = models.BooleanField()
    comment = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "user"], condition=Q(user__isnull=False), name="vote_once_a_user"
            ),
            models.UniqueConstraint(
                fields=["article", "session_sha256"],
                condition=~Q(session_sha256=""),
                name="vote_once_a_session",
            ),
        ]

    def __str__(self) -> str:
        return f"{'yes' if self.is_helpful else 'no'} to {self.article_id}"


class PendingImport(models.Model):
    """An uploaded file that somebody looked at and may bring in. Gone when they have."""

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name
