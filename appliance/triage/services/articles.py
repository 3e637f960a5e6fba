"""An article is read: cut into passages, each with its vector."""

from django.db import transaction

from appliance.core import cache
from appliance.inference.bundle import BundleRef
from appliance.knowledge.models import Article
from appliance.triage import engine, inference_calls, texts, work_queue
from appliance.triage.inference_calls import Answers
from appliance.triage.models import AnnotationLease, Passage
from appliance.triage.services import annotation
from appliance.triage.texts import article_text, digest


def refresh_article(article_id: int) -> bool:
    """Cut the article into passages and embed them, drafts too. Whether anything was written.

    Of what is archived nothing is kept, so that no passage of it is ever near.
    """
    article = Article.objects.filter(pk=article_id).first()
    if article is None:
        return False
    text = digest(article_text(article))
    if article.status == Article.Status.ARCHIVED:
        _forget_old_passages(article, "")
        return False
    _forget_old_passages(article, text)
    encoder = engine.find_ref("encoder")
    return encoder is not None and _read(article, encoder, AnnotationLease.Kind.ARTICLE)


def read_article_ahead(article_id: int, encoder: BundleRef) -> bool:
    """The passages of the next encoder, beside those that are found. Whether any were written."""
    article = Article.objects.in_use().filter(pk=article_id).first()
    return article is not None and _read(article, encoder, AnnotationLease.Kind.NEXT_ARTICLE)


def _read(article: Article, encoder: BundleRef, kind: AnnotationLease.Kind) -> bool:
    text = digest(article_text(article))
    if not work_queue.is_article_stale(article, encoder, text):
        return False
    if not annotation.claim_text(kind, article.pk, text, {"encoder": encoder}):
        return False
    pieces = texts.cut(article.content)
    answers = [
        inference_calls.ask(f"{article.title}\n{piece}", {"encoder"}, {}, encoder.space)
        for piece in pieces
    ]
    broken = [why for answer in answers for why in answer.broken]
    total = all(answer.vector is not None for answer in answers)
    written = total and _store_passages(article, pieces, answers, encoder, text)
    annotation.release_text(kind, article.pk, broken)
    return written


@transaction.atomic
def _store_passages(
    article: Article, pieces: list[str], answers: list[Answers], encoder: BundleRef, text: str
) -> bool:
    """Replace the passages of this space. False when the text changed meanwhile."""
    locked = Article.objects.select_for_update(of=["self"]).filter(pk=article.pk).first()
    if locked is None or digest(article_text(locked)) != text:
        return False
    locked.passages.filter(space=encoder.space).delete()
    Passage.objects.bulk_create(
        Passage(
            article=locked,
            position=position,
            text=piece,
            space=encoder.space,
            vector=answer.vector,
            text_sha256=text,
        )
        for position, (piece, answer) in enumerate(zip(pieces, answers, strict=True))
    )
    if encoder.space == engine.reading_space():
        cache.invalidate(cache.ARTICLES)
    return True


@transaction.atomic
def _forget_old_passages(article: Article, text: str) -> None:
    """What the article no longer says must not be found, even while nobody can embed."""
    if article.passages.exclude(text_sha256=text).delete()[0]:
        cache.invalidate(cache.ARTICLES)
