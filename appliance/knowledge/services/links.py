"""Which tickets an article belongs to."""

from django.db import transaction

from appliance.accounts.models import User
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets.event_data import RepliedData
from appliance.tickets.models import Event, Ticket
from appliance.tickets.services.events import require_agent

How = ArticleLink.How
_WEIGHT = {how: weight for weight, how in enumerate(How)}


def follow(event: Event) -> None:
    """What an agent's answer names by its address was sent. Called for every event of a ticket."""
    if event.kind != Event.Kind.REPLIED or event.actor is None or not event.actor.is_agent:
        return
    data: RepliedData = event.data
    article_ids = data.get("articles") or []
    for article in Article.objects.visible_to(event.actor).filter(pk__in=article_ids):
        link_ticket(article=article, ticket=event.ticket, by=event.actor, how=How.SENT)


@transaction.atomic
def link_ticket(
    *, article: Article, ticket: Ticket, by: User | None, how: ArticleLink.How = How.LINKED
) -> ArticleLink:
    """The article belongs to the ticket; said again it is the same link, by the heavier reason.

    Authorise both before: ``access_article`` and ``access_ticket``.
    """
    require_agent(by)
    link, is_new = ArticleLink.objects.select_for_update(of=["self"]).get_or_create(
        article=article, ticket=ticket, defaults={"how": how, "by": by}
    )
    if not is_new and _WEIGHT[how] > _WEIGHT[link.how]:
        link.how, link.by = how, by
        link.save(update_fields=["how", "by"])
    return link


@transaction.atomic
def unlink_ticket(*, article: Article, ticket: Ticket, by: User | None) -> bool:
    """Whether there was a link to take away."""
    require_agent(by)
    return bool(ArticleLink.objects.filter(article=article, ticket=ticket).delete()[0])
