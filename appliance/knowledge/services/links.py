"""Links between articles and tickets."""

from django.db import transaction

from appliance.accounts.models import User
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets.event_data import RepliedData
from appliance.tickets.models import Event, Ticket
from appliance.tickets.services.events import require_agent

How = ArticleLink.How
_STRENGTH = {str(how): strength for strength, how in enumerate(How)}


def on_ticket_event(event: Event) -> None:
    """Link the articles whose addresses an agent's reply contains to the ticket."""
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
    """Link an article to a ticket; an existing link keeps the stronger kind.

    The caller has checked access to both.
    """
    require_agent(by)
    link, is_new = ArticleLink.objects.select_for_update(of=["self"]).get_or_create(
        article=article, ticket=ticket, defaults={"how": how, "by": by}
    )
    if not is_new and _STRENGTH[how] > _STRENGTH[link.how]:
        link.how, link.by = how, by
        link.save(update_fields=["how", "by"])
    return link


@transaction.atomic
def unlink_ticket(*, article: Article, ticket: Ticket, by: User | None) -> bool:
    """Remove the link; return whether there was one."""
    require_agent(by)
    return bool(ArticleLink.objects.filter(article=article, ticket=ticket).delete()[0])
