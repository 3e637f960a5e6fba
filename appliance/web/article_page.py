"""What the page of an article shows, to its readers and to those who write it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from appliance.accounts.models import Right
from appliance.accounts.permissions import has_right
from appliance.core.markdown import render_with_images
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge.forms import VoteForm
from appliance.knowledge.models import Article, ArticleFile, ArticleLink, ArticleVote
from appliance.web.queries import list_related

# step → the states it starts from, in the order of the buttons
STEPS = {
    "submit": {Article.Status.DRAFT},
    "publish": {Article.Status.DRAFT, Article.Status.REVIEW},
    "reopen": {Article.Status.REVIEW, Article.Status.PUBLISHED, Article.Status.ARCHIVED},
    "archive": {Article.Status.DRAFT, Article.Status.REVIEW, Article.Status.PUBLISHED},
}


@dataclass(frozen=True)
class ArticlePage:
    """The context of the page; what readers lack is empty for agents, and the other way round."""

    article: Article
    content: SafeString
    files: Sequence[ArticleFile]
    related: Sequence[Article]
    can_write: bool
    translations: Sequence[Article] = ()  # the others of its group
    can_translate: bool = False
    # for agents
    steps: Sequence[str] = ()
    links: Sequence[ArticleLink] = ()
    comments: Sequence[ArticleVote] = ()
    # for readers
    vote: ArticleVote | None = None
    vote_form: VoteForm | None = None


def build_article_page(request: HttpRequest, article: Article) -> ArticlePage:
    viewer, files = request.user, list(article.files.select_related("file"))
    content, related = render_content(article, files), list_related(viewer, article)
    can_write = has_right(viewer, Right.ARTICLES)
    translations = knowledge_queries.list_translations(viewer, article)
    if viewer.is_authenticated and viewer.is_agent:
        return ArticlePage(
            article,
            content,
            files,
            related,
            can_write,
            translations,
            can_translate=can_write and bool(knowledge_queries.list_missing_languages(article)),
            steps=[step for step, states in STEPS.items() if article.status in states],
            links=knowledge_queries.list_tickets_of(viewer, article),
            comments=knowledge_queries.list_comments(viewer, article),
        )
    vote = knowledge_queries.find_vote(viewer, article, request.session.session_key or "")
    return ArticlePage(
        article,
        content,
        [file for file in files if not file.file.is_image],  # images stand in the text
        related,
        can_write,
        translations,
        vote=vote,
        vote_form=VoteForm(initial={"comment": vote.comment if vote else ""}),
    )


def render_content(
    article: Article, files: Sequence[ArticleFile], text: str | None = None
) -> SafeString:
    """Return the content of the article, or ``text`` instead, as HTML with the article's images."""
    image_urls = {
        file.name: reverse("article-file", args=[article.pk, file.pk])
        for file in files
        if file.file.is_image
    }
    return render_with_images(article.content if text is None else text, image_urls)
