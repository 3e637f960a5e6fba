"""What the page of an article shows, to its readers and to those who write it."""

from django.urls import reverse
from django.utils.safestring import SafeString

from appliance.accounts.models import Right
from appliance.accounts.permissions import AuthenticatedRequest, has_right
from appliance.core.markdown import render_with_images
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge.forms import VoteForm
from appliance.knowledge.models import Article, ArticleFile
from appliance.web.queries.ticket_page import list_related

# verb → the states it starts from, in the order the buttons stand
STEPS = {
    "submit": {Article.Status.DRAFT},
    "publish": {Article.Status.DRAFT, Article.Status.REVIEW},
    "reopen": {Article.Status.REVIEW, Article.Status.PUBLISHED, Article.Status.ARCHIVED},
    "archive": {Article.Status.DRAFT, Article.Status.REVIEW, Article.Status.PUBLISHED},
}


def context(request: AuthenticatedRequest, article: Article) -> dict[str, object]:
    viewer, files = request.user, list(article.files.select_related("file"))
    is_agent = viewer.is_authenticated and viewer.is_agent  # strangers come here, too
    values = {
        "article": article,
        "content": content(article, files),
        "files": [file for file in files if not file.file.is_image or is_agent],
        "may_write": has_right(viewer, Right.ARTICLES),
        "related": list_related(viewer, article),
    }
    return values | (_of_agents(viewer, article) if is_agent else _of_readers(request, values))


def content(article: Article, files: list[ArticleFile], text: str | None = None) -> SafeString:
    """Its text, or another one, with its pictures."""
    return render_with_images(article.content if text is None else text, pictures(article, files))


def pictures(article: Article, files: list[ArticleFile]) -> dict[str, str]:
    """What the text calls each picture, and where it is."""
    return {
        file.name: reverse("article-file", args=[article.pk, file.pk])
        for file in files
        if file.file.is_image
    }


def _of_agents(viewer, article: Article) -> dict[str, object]:
    return {
        "steps": [verb for verb, start in STEPS.items() if article.status in start],
        "links": knowledge_queries.list_tickets_of(viewer, article),
        "comments": knowledge_queries.list_comments(viewer, article),
    }


def _of_readers(request: AuthenticatedRequest, rows: dict) -> dict[str, object]:
    session = request.session.session_key or ""
    vote = knowledge_queries.find_vote(request.user, rows["article"], session)
    return {"vote": vote, "vote_form": VoteForm(initial={"comment": vote.comment if vote else ""})}
