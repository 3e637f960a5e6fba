"""The demo desk: an island hospital and its ferry line, written by us."""

from pathlib import Path

from django.db import transaction

from appliance.accounts.models import User
from appliance.agreements.rules import hold_rules
from appliance.core import cache
from appliance.desk.demo import cast, extras, history, promises, shortcuts
from appliance.knowledge import services as knowledge
from appliance.knowledge.models import Article
from appliance.reports.services import note_together
from appliance.tickets import services as tickets
from appliance.tickets.models import TicketCategory

HERE = Path(__file__).parent


@transaction.atomic
def load() -> list[User]:
    """People, promises, articles and tickets; what is there stays. Returns who can log in."""
    with cache.together():
        tickets.load_default_categories()
        people = cast.load()
        agents = people.agents
        _load_articles(author=agents["mei"])
        teams = promises.load_teams([*agents.values()])
        promises.load_promises(teams)
        shortcuts.load(by=agents["bob"], security=teams["security"])
        extras.load_fields()
        extras.load_views(by=agents["bob"])
        with hold_rules(), note_together():
            extras.tie(history.load(people, teams), by=agents["mei"])
    return [*agents.values(), *people.askers]


def read_article(path: Path) -> dict[str, str]:
    """Title, category slug and Markdown of one file: front matter between two lines of ``---``."""
    _, head, body = path.read_text().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    return {**fields, "content": body.strip()}


def _load_articles(*, author: User) -> None:
    known = set(Article.objects.values_list("title", flat=True))
    categories = {category.slug: category for category in TicketCategory.objects.all()}
    for path in sorted((HERE / "articles").glob("*.md")):
        row = read_article(path)
        if row["title"] not in known:
            knowledge.write_article(
                by=author,
                title=row["title"],
                content=row["content"],
                category=categories[row["category"]],
                status=Article.Status.PUBLISHED,
            )
