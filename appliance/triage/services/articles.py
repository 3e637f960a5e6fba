"""Index articles: claim a text, embed its passages, write them."""

from django.db import transaction

from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.inference import languages
from appliance.inference.bundle import BundleRef
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.triage import engine, inference_calls, work_queue
from appliance.triage.inference_calls import TextPredictions
from appliance.triage.models import AnnotationLease, Passage
from appliance.triage.texts import article_text, digest, split_passages

MAX_ARTICLES = 10_000  # whose language one job recognises


def refresh_article(article_id: int) -> bool:
    """Split an article, draft or not, into passages and embed them. Whether any was written.

    Its language is recognised first if it has none. Archived articles have no passages.
    """
    recognise_language(article_id)
    article = Article.objects.filter(pk=article_id).first()
    if article is None:
        return False
    if article.status == Article.Status.ARCHIVED:
        _delete_passages(article, except_of="")
        return False
    _delete_passages(article, except_of=digest(article_text(article)))
    encoder = engine.find_ref("encoder")
    return encoder is not None and _embed(article, encoder, AnnotationLease.Kind.ARTICLE)


def embed_article_for_next_encoder(article_id: int, encoder: BundleRef) -> bool:
    """Write the next encoder's passages beside the active ones. Whether any was written."""
    article = Article.objects.in_use().filter(pk=article_id).first()
    return article is not None and _embed(article, encoder, AnnotationLease.Kind.NEXT_ARTICLE)


def _embed(article: Article, encoder: BundleRef, kind: AnnotationLease.Kind) -> bool:
    text_sha256 = digest(article_text(article))
    refs = {"encoder": encoder}
    if not work_queue.is_article_stale(article, encoder, text_sha256):
        return False
    if not work_queue.claim(kind, article.pk, text_sha256=text_sha256, refs=refs):
        return False
    passages = split_passages(article.content)
    predictions = [
        inference_calls.predict(f"{article.title}\n{passage}", {"encoder"}, {}, encoder.space)
        for passage in passages
    ]
    is_complete = all(prediction.vector is not None for prediction in predictions)
    is_written = is_complete and _write(article, passages, predictions, encoder, text_sha256)
    errors = [error for prediction in predictions for error in prediction.errors]
    work_queue.release(kind, article.pk, errors=errors)
    return is_written


@transaction.atomic
def _write(
    article: Article,
    passages: list[str],
    predictions: list[TextPredictions],
    encoder: BundleRef,
    text_sha256: str,
) -> bool:
    """Replace the passages of this space. False when the text has changed."""
    locked = Article.objects.select_for_update(of=["self"]).filter(pk=article.pk).first()
    if locked is None or digest(article_text(locked)) != text_sha256:
        return False
    locked.passages.filter(space=encoder.space).delete()
    Passage.objects.bulk_create(
        Passage(
            article=locked,
            position=position,
            text=passage,
            space=encoder.space,
            vector=prediction.vector,
            text_sha256=text_sha256,
        )
        for position, (passage, prediction) in enumerate(zip(passages, predictions, strict=True))
    )
    if encoder.space == engine.active_space():
        cache.invalidate(cache.ARTICLES)
    return True


@transaction.atomic
def _delete_passages(article: Article, *, except_of: str) -> None:
    """Delete passages of other texts than this digest: outdated text must not be found."""
    if article.passages.exclude(text_sha256=except_of).delete()[0]:
        cache.invalidate(cache.ARTICLES)


def recognise_languages() -> int:
    """Set the language of articles that have none, as far as their text shows it. How many.

    Texts in other languages are looked at again every time.
    """
    unknown = Article.objects.filter(language="").order_by("pk").values_list("pk", flat=True)
    return sum(recognise_language(article_id) for article_id in list(unknown[:MAX_ARTICLES]))


def recognise_language(article_id: int) -> bool:
    """Set the language of an article that has none; return whether it was recognised."""
    article = Article.objects.filter(pk=article_id, language="").first()
    if article is None:
        return False
    text = article_text(article)
    language = languages.recognise(text, core_queries.desk_languages()).code
    if not language:
        return False
    return knowledge_services.set_recognised_language(article=article, language=language)
