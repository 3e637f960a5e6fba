"""Articles: what the desk already knows, and what people make of it."""

from appliance.knowledge.models.article import Article, ArticleQuerySet, ArticleVersion
from appliance.knowledge.models.relations import (
    ArticleFile,
    ArticleLink,
    ArticleVote,
    PendingImport,
)
