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
