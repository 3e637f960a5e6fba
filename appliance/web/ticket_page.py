"""What the page of a ticket shows. Reads only; each part can be read alone, for a live page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.urls import reverse

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core import cache
from appliance.core.forms import Form
from appliance.core.sql_files import fetch_objects
from appliance.knowledge.models import Article
from appliance.macros import queries as macros_queries
from appliance.macros.models import Macro
from appliance.mail.ticket_emails import NO_EMAILS, TicketEmails, list_emails
from appliance.notifications.queries import Delivery, describe_contact, list_deliveries
from appliance.sla.queries import find_timer
from appliance.sla.status import SlaStatus, describe_timer
from appliance.tickets import queries as tickets_queries
from appliance.tickets.forms import (
    AgentReplyForm,
    FieldsForm,
    LinkForm,
    ParticipantsForm,
    PropertiesForm,
    RatingForm,
    ReplyForm,
    TagsForm,
)
from appliance.tickets.models import Attachment, Draft, Event, Message, Participant, Rating, Ticket
from appliance.tickets.queries import Answer
from appliance.tickets.queries.tickets import LinkedTicket
from appliance.triage import queries as triage_queries
from appliance.triage.category_suggestions import SuggestedCategory, pick_suggestions
from appliance.triage.models import TicketVector
from appliance.triage.suggestions import (
    SuggestedArticle,
    TicketFacts,
    list_dismissed,
    list_suggestions,
)
from appliance.triage.vector_search import iterative_scan
from appliance.web.forms import MacroUseForm, NoticeForm
from appliance.web.incident_panel import IncidentPanel, build_panel

MAX_MESSAGES = 30  # a longer conversation shows its last messages
LAST_MESSAGES = 20
EARLIER_MESSAGES = 200  # that each click on "earlier messages" adds
LAST_EVENTS = 30


@dataclass(frozen=True)
class TicketSummary:
    """What belongs to a ticket; the fields are the columns of ticket_summary.sql."""

    last_event: int  # id, 0 before any
    event_count: int
    is_category_set_by_agent: bool
    has_category_choice: bool  # an agent chose or cleared the category
    has_category_label: bool  # an agent agreed to the category, or chose it
    tags: Sequence[str]  # by name
    suggested_articles: Sequence[int]  # ids, the dismissed ones too
    dismissed_articles: Sequence[int]
    has_merged_tickets: bool
    has_files: bool
    has_emails: bool
    has_links: bool
    has_incident: bool
    has_rating: bool
    has_draft: bool  # the viewer's
    has_notifications: bool  # unread ones of the viewer
    has_macros: bool  # of anybody


def find_summary(viewer: User, ticket: Ticket) -> TicketSummary:
    """Return what there is to read of a ticket the viewer may see. One query.

    What is there is read by the queries of its room, which decide what of it the viewer sees.
    """
    (summary,) = fetch_objects(
        "web", "ticket_summary", TicketSummary, ticket=ticket.pk, viewer=viewer.pk
    )
    return summary


@dataclass(frozen=True)
class TicketForms:
    """Forms that were refused, to be shown with their errors."""

    reply: ReplyForm | None = None
    rating: RatingForm | None = None
    properties: PropertiesForm | None = None
    tags: TagsForm | None = None
    fields: FieldsForm | None = None
    link: LinkForm | None = None
    participants: ParticipantsForm | None = None
    notice: NoticeForm | None = None

    @property
    def has_errors(self) -> bool:
        return any(isinstance(form, Form) and form.errors for form in vars(self).values())


@dataclass(frozen=True)
class Head:
    """The title of the page, with what was rated, merged and answered."""

    tags: Sequence[str]
    merge_target: Ticket | None
    merged_tickets: Sequence[Ticket]
    can_merge: bool
    custom_fields: Sequence[Answer]  # for customers, agents have a form for them
    rating: Rating | None
    rating_form: RatingForm | None  # None while the viewer cannot rate
    contact: str  # for agents: how a customer without a log-in is told, or that nobody tells them
    has_unconfirmed_login: bool  # for agents: nobody has confirmed who has the customer's address


@dataclass(frozen=True)
class Conversation:
    """The messages of a ticket as one viewer sees them."""

    ticket: Ticket
    messages: Sequence[Message]
    first_files: Sequence[Attachment]  # sent with the ticket itself
    hidden_messages: int = 0
    earlier_parts: int = 0
    newest_message: int = 0  # id
    generation: int = 0  # of all tickets in the cache
    last_event: int = 0  # id
    can_quote_first: bool = False
    can_split: bool = False
    unfolded_id: str = ""  # the id of the element whose text is shown in full, however long
    emails: TicketEmails = NO_EMAILS  # that became these messages
    is_for_agent: bool = False
    deliveries: Mapping[int, Sequence[Delivery]] = field(default_factory=dict)  # for agents
    guest_token: str = ""  # of a viewer without account, whose links lead to the guest page

    @property
    def next_part(self) -> int:
        """What ``earlier_parts`` is on the page with more of the earlier messages."""
        return self.earlier_parts + 1


@dataclass(frozen=True)
class Properties:
    """The forms beside the conversation, for agents."""

    form: PropertiesForm
    tags_form: TagsForm
    fields_form: FieldsForm
    link_form: LinkForm
    participants_form: ParticipantsForm
    participants: Sequence[Participant]
    links: Sequence[LinkedTicket]
    can_merge: bool  # and is not merged yet


@dataclass(frozen=True)
class Activity:
    """The last events of a ticket, oldest first, for agents."""

    events: Sequence[Event]
    event_count: int
    shows_all: bool


@dataclass(frozen=True)
class Reply:
    """The form for a reply, with what helps to write it."""

    form: ReplyForm
    draft: Draft | None
    new_replies: Sequence[Message]  # arrived while a refused reply was being written
    newest_message: int
    macros: Sequence[tuple[Macro, list[str]]]  # each with what it does
    macro_form: MacroUseForm | None


@dataclass(frozen=True)
class Analysis:
    """What the language models add: suggested articles, classification, similar tickets."""

    predictions: triage_queries.TicketPredictions
    suggestions: Sequence[SuggestedArticle]
    dismissed: Sequence[Article]
    similar_tickets: Sequence[triage_queries.SimilarTicket]
    solutions: Sequence[triage_queries.SolvedBefore]
    can_write_article: bool
    is_category_set_by_agent: bool
    category_suggestions: Sequence[SuggestedCategory] = ()  # for agents, on an uncategorised ticket
    can_confirm_category: bool = False  # a predicted category that no agent has judged
    is_category_confirmed: bool = False
    dismissed_now: int | None = None  # id of the article the viewer has just dismissed


@dataclass(frozen=True)
class LiveParts:
    """The context of the parts that change while the page is open."""

    ticket: Ticket
    head: Head
    conversation: Conversation
    properties: Properties | None
    activity: Activity | None
    incident: IncidentPanel


@dataclass(frozen=True)
class TicketPage(LiveParts):
    """The context of the whole page."""

    reply: Reply
    analysis: Analysis
    sla_status: SlaStatus | None  # for agents, None without SLA


@dataclass
class TicketPageBuilder:
    """Reads the parts of the page of one ticket for one viewer, who must be allowed to see it."""

    viewer: User
    ticket: Ticket
    earlier_parts: int = 0  # how often earlier messages were asked for; all events from 1 on
    unfolded_id: str = ""  # the id of the element whose text is shown in full
    forms: TicketForms = field(default_factory=TicketForms)
    seen_message: int | None = None  # the newest message when a refused reply was written

    def __post_init__(self) -> None:
        # read before the ticket: a change in between is shown by the next poll instead of never
        self.generation = cache.generation(cache.TICKETS) or 0

    def page(self) -> TicketPage:
        live = self.live()
        return TicketPage(
            ticket=live.ticket,
            head=live.head,
            conversation=live.conversation,
            properties=live.properties,
            activity=live.activity,
            incident=live.incident,
            analysis=self.analysis(),
            reply=self.reply(),
            sla_status=self.sla_status() if self.viewer.is_agent else None,
        )

    def live(self) -> LiveParts:
        is_agent = self.viewer.is_agent
        return LiveParts(
            ticket=self.ticket,
            conversation=self.conversation(),
            head=self.head(),
            properties=self.properties() if is_agent else None,
            activity=self.activity() if is_agent else None,
            incident=self.incident(),
        )

    def head(self) -> Head:
        viewer, ticket = self.viewer, self.ticket
        can_rate = tickets_queries.can_rate(viewer, ticket)
        return Head(
            tags=self.summary.tags,
            merge_target=self.merge_target,
            merged_tickets=self.merged_tickets if viewer.is_agent else [],
            can_merge=has_right(viewer, Right.MERGE),
            custom_fields=[] if viewer.is_agent else tickets_queries.list_answers(viewer, ticket),
            rating=tickets_queries.find_rating(ticket) if self.summary.has_rating else None,
            rating_form=(self.forms.rating or RatingForm()) if can_rate else None,
            contact=describe_contact(ticket.customer) if viewer.is_agent else "",
            has_unconfirmed_login=viewer.is_agent and _has_unconfirmed_login(ticket),
        )

    def conversation(self) -> Conversation:
        shown, has_files = self.messages, self.summary.has_files
        if len(shown) > MAX_MESSAGES and not self.earlier_parts:
            shown = shown[-LAST_MESSAGES:]
        return Conversation(
            ticket=self.ticket,
            messages=shown,
            first_files=tickets_queries.list_first_message_files(self.ticket) if has_files else [],
            hidden_messages=self._count_messages() - len(shown),
            earlier_parts=self.earlier_parts,
            unfolded_id=self.unfolded_id,
            newest_message=self.newest_message,
            generation=self.generation,
            last_event=self.summary.last_event,
            emails=self._emails(shown),
            is_for_agent=self.viewer.is_agent,
            can_quote_first=self.viewer.is_agent,
            can_split=has_right(self.viewer, Right.MERGE),
            deliveries=list_deliveries(
                self.viewer, [message.pk for message in shown if message.pk]
            ),
        )

    def properties(self) -> Properties:
        viewer, ticket = self.viewer, self.ticket
        return Properties(
            form=self._properties_form(),
            tags_form=self._tags_form(),
            fields_form=self.forms.fields or FieldsForm(ticket=ticket, viewer=viewer),
            link_form=self._link_form(),
            participants_form=self.forms.participants or ParticipantsForm(),
            participants=list(tickets_queries.list_participants(ticket)),
            links=tickets_queries.list_links(viewer, ticket) if self.summary.has_links else [],
            can_merge=has_right(viewer, Right.MERGE) and self.merge_target is None,
        )

    def activity(self) -> Activity:
        shows_all = self.earlier_parts > 0
        limit = None if shows_all else LAST_EVENTS
        events = tickets_queries.list_events(self.viewer, self.ticket, limit)
        return Activity(events, self.summary.event_count, shows_all)

    def incident(self) -> IncidentPanel:
        return build_panel(
            self.viewer,
            self.ticket,
            has_links=self.summary.has_links,
            has_incident=self.summary.has_incident,
            refused_notice=self.forms.notice,
        )

    def reply(self) -> Reply:
        is_agent, draft = self.viewer.is_agent, None if self.forms.reply else self.draft
        form = self.forms.reply or self._reply_form(draft)
        if is_agent:
            form.set_completion(
                "body",
                "text",
                at=reverse("mentionable", args=[self.ticket.pk]),
                at_for="[name=kind][value=note]",
                colon=reverse("find-canned-responses", args=[self.ticket.pk]),
            )
        else:
            form.set_shortcuts(body="r")
        has_macros = is_agent and self.summary.has_macros
        macros = macros_queries.list_macros(self.viewer) if has_macros else []
        return Reply(
            form=form,
            draft=draft,
            new_replies=self._new_replies(),
            newest_message=self.newest_message,
            macros=[(macro, macros_queries.describe(macro)) for macro in macros],
            macro_form=MacroUseForm() if is_agent else None,
        )

    def analysis(self, dismissed_now: int | None = None) -> Analysis:
        ticket, viewer = self.ticket, self.viewer
        with iterative_scan():  # four scans in one transaction
            suggestions, similar_tickets = self.suggestions, self._similar_tickets()
            solutions = self._solutions()
        predictions = triage_queries.find_predictions(viewer, ticket)
        predicted = predictions.category
        is_as_predicted = bool(
            viewer.is_agent
            and predicted
            and predicted.is_decided
            and ticket.category
            and ticket.category.slug == predicted.slug
        )
        return Analysis(
            predictions=predictions,
            suggestions=suggestions,
            dismissed=self._dismissed(),
            similar_tickets=similar_tickets,
            solutions=solutions,
            can_write_article=has_right(viewer, Right.ARTICLES),
            is_category_set_by_agent=self.summary.is_category_set_by_agent,
            category_suggestions=self._category_suggestions(predictions.category),
            can_confirm_category=is_as_predicted and not self.summary.has_category_label,
            is_category_confirmed=is_as_predicted and self.summary.has_category_label,
            dismissed_now=dismissed_now,
        )

    def sla_status(self) -> SlaStatus | None:
        return describe_timer(find_timer(self.ticket))

    @cached_property
    def summary(self) -> TicketSummary:
        return find_summary(self.viewer, self.ticket)

    @cached_property
    def suggestions(self) -> list[SuggestedArticle]:
        facts = TicketFacts(self._vector, frozenset(self.summary.dismissed_articles))
        return list_suggestions(self.viewer, self.ticket, facts=facts)

    @cached_property
    def merge_target(self) -> Ticket | None:
        return tickets_queries.find_merge_target(self.viewer, self.ticket)

    @cached_property
    def merged_tickets(self) -> list[Ticket]:
        """The tickets that were merged into this one."""
        has_merged = self.summary.has_merged_tickets
        return tickets_queries.list_merged(self.viewer, self.ticket) if has_merged else []

    @cached_property
    def messages(self) -> list[Message]:
        return tickets_queries.list_messages(
            self.viewer,
            self.ticket,
            merged=self.merged_tickets,
            has_files=self.summary.has_files,
            limit=EARLIER_MESSAGES * self.earlier_parts or MAX_MESSAGES + 1,
        )

    @property
    def newest_message(self) -> int:
        """The id the reply form carries, so that nobody replies without seeing what is new."""
        return max((message.pk for message in self.messages if message.pk), default=0)

    @cached_property
    def draft(self) -> Draft | None:
        """What was being written."""
        has_draft = self.summary.has_draft
        return tickets_queries.find_draft(self.viewer, self.ticket) if has_draft else None

    @cached_property
    def _vector(self) -> TicketVector | None:
        return triage_queries.find_vector(self.viewer, self.ticket)

    def _reply_form(self, draft: Draft | None) -> ReplyForm:
        initial: dict[str, Any] = {"seen_message": self.newest_message}
        if draft:
            restored_at = draft.updated_at.isoformat()
            initial |= {"body": draft.body, "kind": draft.kind, "restored_at": restored_at}
        return (AgentReplyForm if self.viewer.is_agent else ReplyForm)(initial=initial)

    def _properties_form(self) -> PropertiesForm:
        form = self.forms.properties or PropertiesForm(ticket=self.ticket, viewer=self.viewer)
        form.set_shortcuts(status="s", priority="p", assignee="a")
        return form

    def _tags_form(self) -> TagsForm:
        form = self.forms.tags or TagsForm(initial={"tags": ", ".join(self.summary.tags)})
        form.set_completion("tags", "words", url=reverse("find-tags"))
        form.set_shortcuts(tags="t")
        return form

    def _link_form(self) -> LinkForm:
        form = self.forms.link or LinkForm(viewer=self.viewer)
        url = reverse("find-tickets", args=[self.ticket.pk])
        form.set_completion("target", "whole", url=url, pick="")
        return form

    def _similar_tickets(self) -> list[triage_queries.SimilarTicket]:
        if not self.viewer.is_agent or self._vector is None:
            return []
        return triage_queries.list_similar_tickets(self.viewer, self.ticket, own=self._vector)

    def _solutions(self) -> list[triage_queries.SolvedBefore]:
        if not self.viewer.is_agent or self._vector is None:
            return []
        return triage_queries.list_solutions(self.viewer, self.ticket, own=self._vector)

    def _category_suggestions(
        self, predicted: triage_queries.PredictedCategory | None
    ) -> list[SuggestedCategory]:
        is_open_question = self.ticket.category_id is None and not self.summary.has_category_choice
        if not (self.viewer.is_agent and predicted and is_open_question) or predicted.is_decided:
            return []
        scores = [(score.slug, score.score) for score in predicted.scores]
        return pick_suggestions(scores, dict(tickets_queries.list_category_slug_choices()))

    def _dismissed(self) -> list[Article]:
        has_dismissed = self.viewer.is_agent and self.summary.dismissed_articles
        return list_dismissed(self.viewer, self.ticket) if has_dismissed else []

    def _emails(self, messages: Sequence[Message]) -> TicketEmails:
        merged_ids = [ticket.pk for ticket in self.merged_tickets]
        if not self.summary.has_emails and not merged_ids:
            return NO_EMAILS
        message_ids = [message.pk for message in messages if message.pk]
        return list_emails([self.ticket.pk, *merged_ids], message_ids)

    def _count_messages(self) -> int:
        stored = next((message.listed_count for message in self.messages if message.pk), 0)
        return stored + len(self.merged_tickets)

    def _new_replies(self) -> list[Message]:
        """Return replies of others that arrived while the refused one was being written."""
        if self.seen_message is None or not self.viewer.is_agent:
            return []
        return [
            message
            for message in self.messages
            if (message.pk or 0) > self.seen_message
            and message.kind == Message.Kind.REPLY
            and message.author_id != self.viewer.pk
        ]


def _has_unconfirmed_login(ticket: Ticket) -> bool:
    """Return whether somebody has registered the customer's address and nobody confirmed them."""
    customer = ticket.customer
    if customer.user or not customer.email:
        return customer.has_unconfirmed_login
    return accounts_queries.find_unconfirmed_login(email=customer.email) is not None
