"""Verbs on articles."""

from appliance.knowledge.services.articles import edit_article, restore_version, write_article
from appliance.knowledge.services.exporting import as_markdown, export_articles
from appliance.knowledge.services.importing import Line, Report, import_articles
from appliance.knowledge.services.links import follow, link_ticket, unlink_ticket
from appliance.knowledge.services.stages import (
    archive_article,
    publish_article,
    reopen_article,
    submit_for_review,
)

__all__ = [
    "Line",
    "Report",
    "archive_article",
    "as_markdown",
    "edit_article",
    "export_articles",
    "follow",
    "import_articles",
    "link_ticket",
    "publish_article",
    "reopen_article",
    "restore_version",
    "submit_for_review",
    "unlink_ticket",
    "write_article",
]
