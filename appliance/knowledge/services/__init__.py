"""Verbs on articles."""

from appliance.knowledge.services.articles import edit_article, restore_version, write_article
from appliance.knowledge.services.exporting import as_markdown, export_articles
from appliance.knowledge.services.importing import (
    Line,
    Report,
    apply_import,
    forget_person,
    import_articles,
    look_at_import,
)
from appliance.knowledge.services.links import follow, link_ticket, unlink_ticket
from appliance.knowledge.services.votes import vote
from appliance.knowledge.services.workflow import (
    archive_article,
    claim_due_reviews,
    publish_article,
    reopen_article,
    submit_for_review,
)
