"""What a ticket's score says in one word."""

from django.db.models import Case, CharField, Q, QuerySet, Value, When

# A score this far from zero is a mood; between them lies a plain report.
MOOD_THRESHOLD = 0.33
MOODS = ("negative", "neutral", "positive")


def in_mood(mood: str) -> Q:
    """Tickets of one of MOODS, or those nobody has read (anything else)."""
    edge = MOOD_THRESHOLD
    return {
        "negative": Q(sentiment_score__lt=-edge),
        "positive": Q(sentiment_score__gt=edge),
        "neutral": Q(sentiment_score__gte=-edge, sentiment_score__lte=edge),
    }.get(mood, Q(sentiment_score=None))


def with_mood(tickets: QuerySet) -> QuerySet:
    """Adds ``mood``, one of MOODS, None while nobody has read it."""
    cases = [When(in_mood(mood), then=Value(mood)) for mood in MOODS]
    return tickets.annotate(mood=Case(*cases, output_field=CharField()))
