"""The purpose of each index, shown in English on the status page."""

PURPOSES = {
    # accounts
    "customer_email_unique": "new tickets and registration: a customer by address, in any case",
    "customer_name_idx": "/admin/: customers by name",
    "customer_premium_idx": "the premium queue: the few premium customers",
    "customer_search_text_trgm_idx": "customers by a part of name or address, with typos",
    "login_attempt_created_idx": "the record of log-ins, newest first, and deleting old ones",
    "rate_count_started_idx": "deleting old counts",
    "rate_count_unique": "counting what a person or an address does",
    "user_email_unique": "log-in: one account per address, in any case",
    # core
    "auditcheck_at_idx": "the latest verification of the audit log",
    "auditentry_at_idx": "the audit log page, newest first",
    "auditentry_subject_idx": "the history of one object, for instance an article",
    # directory
    "directory_link_entry_unique": "the sync: the links of the entries it has read",
    "directory_name_unique": "one directory of a name, in any case",
    "group_mapping_directory_group_unique": "one line per group of a directory",
    "bind_attempt_entry_idx": "counting the attempts on one account of a directory",
    # knowledge
    "article_changed_idx": "all articles, latest change first",
    "article_group_idx": "an article and its translations",
    "article_language_idx": "search: the languages in use",
    "article_review_idx": "articles due for review",
    "article_search_idx": "full-text search in articles",
    "article_category_idx": "the help centre: articles by category and title",
    "article_status_idx": "articles of one status (customers see one), latest change first",
    "article_title_trgm_idx": "search in titles, with typos",
    "article_usefulness_idx": "the most and the least useful articles",
    # mail
    "inbound_email_due_idx": "the worker: received mail that is due, longest due first",
    "inbound_email_message_id_idx": "the received mail that an answer refers to",
    "inbound_email_state_idx": "received mail that is held or has failed, newest first",
    # manage
    "idempotency_key_created_idx": "deleting old idempotency keys",
    # model_updates
    "update_event_at_idx": "the log of updates, newest first",
    "update_run_created_idx": "the history of updates, newest first",
    # notifications
    "mail_created_idx": "outgoing mail of every state, newest first",
    "mail_message_id_idx": "the outgoing mail that a bounce or an answer refers to",
    "mail_to_idx": "hourly limits of mail to one address",
    "mail_due_idx": "the worker: mail that is due, longest due first",
    "mail_state_idx": "outgoing mail of one state, newest first",
    "mail_user_idx": "digests: mail that waits for one user, and what they got lately",
    "notification_at_idx": "deleting notifications read long ago",
    "notification_user_idx": "the notifications of a user, newest first",
    # ops
    "sample_at_idx": "the charts of a time range, and the newest sample",
    # reports
    "report_day_idx": "every report: one dimension over a span of days",
    "report_on_idx": "counting a span of days again",
    # search
    "vocabulary_word_trgm_idx": "spelling corrections",
    # sla
    "escalation_pending_idx": "the escalation job: pending escalations by time",
    "report_resolution_timer_idx": "reports: resolution timers of a span of days",
    "report_response_timer_idx": "reports: first-response timers of a span of days",
    "timer_outdated_idx": "recomputing open timers computed from earlier policies",
    # tickets
    "child_update_due_idx": "replies and solutions for parts of a ticket that are due",
    "participant_email_idx": "the tickets an address takes part in",
    "event_at_brin": "reports over a time span; rows arrive in time order, so BRIN is enough",
    "event_ticket_idx": "the timeline of a ticket",
    "message_search_idx": "full-text search in messages",
    "message_ticket_idx": "the conversation of a ticket, in order",
    "report_answered_idx": "reports: tickets by the day of their first response",
    "report_rated_idx": "reports: ratings by day",
    "report_solved_idx": "reports: tickets by the day they were solved",
    "ticket_assignee_idx": "the queue of an agent: open tickets of one assignee",
    "ticket_category_idx": "the queue of a category: its open tickets, newest first",
    "ticket_created_idx": "lists, newest first, and their pages",
    "ticket_language_idx": "search: the languages in use",
    "ticket_customer_idx": "the tickets of a customer",
    "ticket_due_idx": "open tickets by due date, those without one last",
    "ticket_guest_idx": "the secret link of a guest",
    "ticket_held_idx": "tickets on hold, by the date they resume",
    "ticket_open_idx": "the dashboard: open tickets, newest first",
    "ticket_open_priority_idx": "open tickets by priority",
    "ticket_open_updated_idx": "open tickets by the last change, in both directions",
    "ticket_priority_idx": "every status by priority; one priority, newest first",
    "ticket_search_idx": "full-text search in tickets",
    "ticket_solved_idx": "closing solved tickets, the longest solved first",
    "ticket_subject_trgm_idx": "search in subjects, with typos",
    "ticket_team_idx": "the queue of a team",
    "ticket_unassigned_idx": "the unassigned queue",
    "ticket_updated_idx": "every status by the last change",
    # triage
    "category_head_trained_idx": "the page on learning: trained heads, newest first",
    "category_label_at_idx": "learning: the labels of a time",
    "category_label_idx": "learning: the labels of a category, newest first",
    "category_label_source_idx": "the page on learning: labels by where they came from",
    "solution_due_idx": "the worker: solved tickets whose sentences are still to be chosen",
    "correction_withheld_idx": "the cold-start gate: corrections of withheld predictions",
    "incident_published_idx": "known problems, for whoever writes a ticket",
    "incident_state_idx": "proposed incidents, and those dismissed within a day",
    "pending_text_idx": "the backlog: tickets and articles to process",
    "suggestion_article_idx": "the suggestions of an article that is deleted",
    "suggestion_shown_idx": "low-performing articles: suggestions lately dismissed",
}
# The index of an embedding space is named when the space is created: prefix and a digest.
PURPOSES_BY_PREFIX = {
    "ticket_vector_hnsw": "similar tickets and search by meaning",
    "passage_vector_hnsw": "suggestions and search by meaning",
}


def purpose_of(index_name: str) -> str:
    """Return the purpose of an index, empty for one that Skerry did not create."""
    for prefix, purpose in PURPOSES_BY_PREFIX.items():
        if index_name.startswith(prefix):
            return purpose
    return PURPOSES.get(index_name, "")
