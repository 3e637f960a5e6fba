"""Write, publish, import, export, link and rate articles."""

from appliance.knowledge.services.articles import (
    archive_article,
    claim_due_reviews,
    edit_article,
    publish_article,
    reopen_article,
    restore_version,
    submit_for_review,
    write_article,
)
from appliance.knowledge.services.exporting import as_markdown, export_articles
from appliance.knowledge.services.importing import (
    ImportLine,
    ImportReport,
    apply_import,
    forget_person,
    import_articles,
    preview_import,
)
from appliance.knowledge.services.links import link_ticket, on_ticket_event, unlink_ticket
from appliance.knowledge.services.translations import (
    set_recognised_language,
    write_translation,
)
from appliance.knowledge.services.votes import vote
