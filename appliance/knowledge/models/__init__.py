"""Articles: what the desk already knows, and what people make of it."""

from appliance.knowledge.models.around import ArticleFile, ArticleLink, ArticleVote, PendingImport
from appliance.knowledge.models.article import Article, ArticleQuerySet
from appliance.knowledge.models.version import ArticleVersion
