"""What the page of a ticket shows. Reads only; each part can be had alone, for a live page."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.urls import reverse

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core import cache
from appliance.core.forms import Form
from appliance.knowledge.models import Article
from appliance.macros import queries as macros_queries
from appliance.tickets import queries as tickets_queries
from appliance.tickets.forms import (
    AgentReplyForm,
    FieldsForm,
    LinkForm,
    PropertiesForm,
    RatingForm,
    ReplyForm,
    TagsForm,
)
from appliance.tickets.models import Attachment, Draft, Message, Rating, Ticket
from appliance.triage import queries as triage_queries
from appliance.triage.models import TicketVector
from appliance.triage.suggestions import (
    SuggestedArticle,
    TicketFacts,
    list_dismissed,
    list_suggestions,
)
from appliance.triage.vector_search import iterative_scan
from appliance.web import autocomplete_attrs, timeline
from appliance.web.forms import MacroUseForm
from appliance.web.queries.ticket_page import Traces, find_traces

RECENT = 20  # messages shown of a conversation that is longer than FEW
FEW = 30
RECENT_EVENTS = 30


@dataclass
class TicketPage:
    """One ticket for one viewer. ``forms`` are those that were refused, by their name."""

    viewer: User
    ticket: Ticket
    shows_all: bool = False
    forms: dict[str, Form] = field(default_factory=dict)
    refused_since: int | None = None  # the newest message an answer that was refused had seen

    def context(self) -> dict[str, Any]:
        """Everything: the head, the conversation, the answer, the properties, the evidence."""
        return self.live() | self.evidence() | self.answer()

    def live(self) -> dict[str, Any]:
        """What changes while the page is open."""
        parts = self.conversation() | self.head()
        return parts | self.properties() if self.viewer.is_agent else parts

    def head(self) -> dict[str, Any]:
        viewer, ticket = self.viewer, self.ticket
        can_rate = tickets_queries.can_rate(viewer, ticket)
        return {
            "ticket": ticket,
            "tags": self.traces.tags,
            "merge_target": tickets_queries.find_merge_target(viewer, ticket),
            "answers": [] if viewer.is_agent else tickets_queries.list_answers(viewer, ticket),
            "rating": self._rating(),
            "can_rate": can_rate,
            "rating_form": (self.forms.get("rating") or RatingForm()) if can_rate else None,
        }

    def conversation(self) -> dict[str, Any]:
        # read before the rows: a change in between shows up at the next look instead of never
        generation, last_event = cache.generation(cache.TICKETS), self.traces.last_event
        hidden = len(self.messages) - RECENT
        hidden = 0 if self.shows_all or len(self.messages) <= FEW else hidden
        return {
            "ticket": self.ticket,
            "conversation": self.messages[hidden:],
            "hidden_messages": hidden,
            "shows_all": self.shows_all,
            "opening_files": self._opening_files(),
            "newest_message": self.newest_message,
            "generation": generation or 0,
            "seen": last_event,
            "may_split": has_right(self.viewer, Right.MERGE),
        }

    def properties(self) -> dict[str, Any]:
        """For agents alone."""
        ticket, viewer = self.ticket, self.viewer
        about = {"ticket": ticket, "viewer": viewer}
        return {
            "properties_form": self._properties_form(),
            "tags_form": self._tags_form(),
            "fields_form": self.forms.get("fields") or FieldsForm(**about),
            "link_form": self._link_form(),
            "links": tickets_queries.list_links(viewer, ticket) if self.traces.has_links else [],
            "merged": self.merged,
            "may_merge": has_right(viewer, Right.MERGE),
            **self.history(),
        }

    def history(self) -> dict[str, Any]:
        newest = self.ticket.events.order_by("-at", "-id")
        shown = list(newest if self.shows_all else newest[:RECENT_EVENTS])
        return {"events": timeline.lines(reversed(shown)), "events_total": self.traces.events}

    def answer(self) -> dict[str, Any]:
        draft = None if "reply" in self.forms else self.draft
        form = self.forms.get("reply") or self._reply_form(draft)
        context = {"draft": draft, "reply_form": form, "fresh": self._fresh()}
        if self.viewer.is_agent:
            macros = macros_queries.list_macros(self.viewer) if self.traces.has_macros else []
            context["macros"] = [(macro, macros_queries.describe(macro)) for macro in macros]
            context["macro_form"] = MacroUseForm()
            autocomplete_attrs.answer(form, self.ticket)
        else:
            autocomplete_attrs.keys(form, body="r")
        return context

    def evidence(self) -> dict[str, Any]:
        ticket, viewer = self.ticket, self.viewer
        with iterative_scan():  # three scans in one transaction
            shown, similar = self.suggestions, self._similar()
        return {
            "ticket": ticket,
            "predictions": triage_queries.find_predictions(viewer, ticket),
            "suggestions": shown,
            "refused": self._refused(),
            "may_write": has_right(viewer, Right.ARTICLES),
            "category_chosen": self.traces.was_category_set_by_agent,
            "similar": similar,
        }

    @cached_property
    def suggestions(self) -> list[SuggestedArticle]:
        facts = TicketFacts(self.vector, frozenset(self.traces.dismissed))
        return list_suggestions(self.viewer, self.ticket, facts=facts)

    @cached_property
    def vector(self) -> TicketVector | None:
        return triage_queries.find_vector(self.viewer, self.ticket)

    @cached_property
    def traces(self) -> Traces:
        """What there is to ask for. Read before anything else of the ticket."""
        return find_traces(self.viewer, self.ticket)

    @cached_property
    def merged(self) -> list[Ticket]:
        """Those merged into this one."""
        return (
            tickets_queries.list_merged(self.viewer, self.ticket) if self.traces.has_merged else []
        )

    @cached_property
    def messages(self) -> list[Message]:
        return tickets_queries.list_messages(
            self.viewer, self.ticket, merged=self.merged, has_files=self.traces.has_files
        )

    @property
    def newest_message(self) -> int:
        """The id the answer form carries, so that nobody answers past an answer unseen."""
        return max((message.pk for message in self.messages if message.pk), default=0)

    @cached_property
    def draft(self) -> Draft | None:
        """What was being written; nothing if it has been sent meanwhile."""
        has_draft = self.traces.has_draft
        draft = tickets_queries.find_draft(self.viewer, self.ticket) if has_draft else None
        sent = {_plain(message.body) for message in self.messages[-3:]}
        return draft if draft and _plain(draft.body) not in sent else None

    def _reply_form(self, draft: Draft | None) -> ReplyForm:
        initial: dict[str, Any] = {"seen_message": self.newest_message}
        if draft:
            initial |= {"body": draft.body, "kind": draft.kind}
        return (AgentReplyForm if self.viewer.is_agent else ReplyForm)(initial=initial)

    def _properties_form(self) -> PropertiesForm:
        form = self.forms.get("properties")
        form = form or PropertiesForm(ticket=self.ticket, viewer=self.viewer)
        autocomplete_attrs.keys(form, status="s", priority="p", assignee="a")
        return form

    def _tags_form(self) -> TagsForm:
        initial = {"tags": ", ".join(self.traces.tags)}
        form = self.forms.get("tags") or TagsForm(initial=initial)
        autocomplete_attrs.words(form, "tags", reverse("tags"))
        autocomplete_attrs.keys(form, tags="t")
        return form

    def _link_form(self) -> LinkForm:
        form = self.forms.get("link") or LinkForm(viewer=self.viewer)
        autocomplete_attrs.complete_field(
            form, "target", reverse("find-tickets", args=[self.ticket.pk])
        )
        return form

    def _rating(self) -> Rating | None:
        return tickets_queries.find_rating(self.ticket) if self.traces.has_rating else None

    def _opening_files(self) -> list[Attachment]:
        return (
            tickets_queries.list_first_message_files(self.ticket) if self.traces.has_files else []
        )

    def _similar(self) -> list[triage_queries.SimilarTicket]:
        if not self.viewer.is_agent or self.vector is None:
            return []
        return triage_queries.list_similar_tickets(self.viewer, self.ticket, own=self.vector)

    def _refused(self) -> list[Article]:
        is_any = self.viewer.is_agent and self.traces.dismissed
        return list_dismissed(self.viewer, self.ticket) if is_any else []

    def _fresh(self) -> list[Message]:
        """Answers of others that arrived while the refused one was being written."""
        if self.refused_since is None or not self.viewer.is_agent:
            return []
        return [
            message
            for message in self.messages
            if (message.pk or 0) > self.refused_since
            and message.kind == Message.Kind.REPLY
            and message.author_id != self.viewer.pk
        ]


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
