"""Verbs on articles."""

from appliance.knowledge.services.articles import edit_article, restore_version, write_article
from appliance.knowledge.services.exporting import as_markdown, export_articles
from appliance.knowledge.services.importing import Line, Report, import_articles
from appliance.knowledge.services.links import follow, link_ticket, unlink_ticket
from appliance.knowledge.services.pending import apply_import, forget_person, look_at_import
from appliance.knowledge.services.reviews import claim_due_reviews
from appliance.knowledge.services.stages import (
    archive_article,
    publish_article,
    reopen_article,
    submit_for_review,
)
from appliance.knowledge.services.votes import vote

__all__ = [
    "Line",
    "Report",
    "apply_import",
    "archive_article",
    "as_markdown",
    "claim_due_reviews",
    "edit_article",
    "export_articles",
    "follow",
    "forget_person",
    "import_articles",
    "link_ticket",
    "look_at_import",
    "publish_article",
    "reopen_article",
    "restore_version",
    "submit_for_review",
    "unlink_ticket",
    "vote",
    "write_article",
]
