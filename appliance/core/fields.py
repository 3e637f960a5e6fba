"""Fields that more than one room has."""

from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db.models import GeneratedField
from django.db.models.functions import Left

# to_tsvector fails on more than 1 MB of distinct words; this much of a text is searchable
INDEXED_CHARACTERS = 200_000


def search_vector_of(title: str, body: str) -> GeneratedField:
    """The words of two fields, stemmed; those of the title weigh more."""
    return GeneratedField(
        expression=SearchVector(title, weight="A", config="english")
        + SearchVector(Left(body, INDEXED_CHARACTERS), weight="B", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
