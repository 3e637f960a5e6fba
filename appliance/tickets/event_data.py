"""The shape of ``Event.data`` for each kind of event: ``TagsData`` for ``Event.Kind.TAGS``.

Services write all the keys. Readers use ``.get``: anonymising a person empties the values of
``FIELD``, ``SUBJECT``, ``REQUESTER`` and ``ASSIGNEE`` events, and events that were imported may
have no data.
"""

from typing import Literal, NotRequired, TypedDict

_Texts = TypedDict("_Texts", {"from": str, "to": str})  # ``from`` is a keyword of Python


class NoData(TypedDict):
    """No keys: kind, actor and time say everything."""


class RelationChange(_Texts):
    """Name and primary key of the related object before and after, empty and None without one."""

    from_id: int | None
    to_id: int | None


class AssigneeData(RelationChange):
    why: NotRequired[Literal["no_access"]]  # the assignee could no longer act on the ticket


class OpenedData(TypedDict):
    automatic: NotRequired[bool]  # by a program, which is not answered automatically


AnonymisedData = NoData
CategoryData = RelationChange
TeamData = RelationChange
PriorityData = TypedDict("PriorityData", {"from": int, "to": int})


SubjectData = _Texts
ChannelData = _Texts
LanguageData = _Texts  # codes; empty: not recognised
RequesterData = RelationChange


class StatusData(_Texts):
    until: NotRequired[str]  # ISO time at which a ticket on hold resumes
    why: NotRequired[Literal["held", "solved"]]  # which automatic rule changed it
    days: NotRequired[int]  # how long a ticket stays solved before it is closed


class RepliedData(TypedDict):
    message: int
    participant: NotRequired[int]  # who wrote it, if it was one
    articles: list[int]  # articles that the text links to


class NotedData(RepliedData):
    mentions: list[int]  # users


class ClassifiedData(TypedDict, total=False):
    """Predictions of the bundles that are active; a missing role has no keys."""

    category: str  # slug, empty when the classifier is not confident enough
    confidence: float
    sentiment: str
    sentiment_score: float
    language: str  # a code, empty when it is not recognised


class ConfirmedData(TypedDict):
    """The category that an agent found right."""

    category: str
    category_id: int | None


class TagsData(TypedDict):
    added: list[str]
    removed: list[str]


FieldData = TypedDict(
    "FieldData",
    {
        "field": str,  # label
        "key": str,
        "kind": str,  # of the field then; a date is stored as 2026-01-31
        "from": str | float | None,
        "to": str | float | None,
    },
)


class MergedData(TypedDict):
    """The merged ticket has ``target``, the ticket it was merged into has ``source``."""

    source: NotRequired[int]
    target: NotRequired[int]
    was: NotRequired[str]  # status of the source before the merge
    undone: NotRequired[bool]


class SplitData(TypedDict):
    """The new ticket has ``source``, the original has ``target`` and the message."""

    source: NotRequired[int]
    target: NotRequired[int]
    message: NotRequired[int]


class LinkedData(TypedDict):
    kind: str
    other: int  # ticket at the other end of the link
    is_target: NotRequired[bool]


UnlinkedData = LinkedData


class RatedData(TypedDict):
    is_good: bool


class EscalatedData(TypedDict):
    policy: str
    metric: str
    minutes: int  # after the due time, negative before
    warning: bool
    due_at: str  # ISO time, empty without a due time
    action: str
    notify: list[int]  # users
    failed: NotRequired[str]  # error text of an action that was refused


class PeopleData(TypedDict):
    added: list[str]  # participants: name and address
    removed: list[str]


class ForwardedData(TypedDict):
    message: int  # the note that says what was sent
    to: str


class FailedData(TypedDict):
    """Of an e-mail that could not be delivered."""

    to: str
    reason: str


class IncidentData(TypedDict):
    """Of many similar tickets within an hour, on the most typical of them."""

    tickets: int
    customers: int
    is_dismissed: NotRequired[bool]  # somebody decided that it is no incident


EventData = (
    NoData
    | SubjectData
    | OpenedData
    | RelationChange
    | AssigneeData
    | PriorityData
    | StatusData
    | RepliedData
    | NotedData
    | ClassifiedData
    | ConfirmedData
    | TagsData
    | FieldData
    | MergedData
    | SplitData
    | LinkedData
    | RatedData
    | EscalatedData
    | PeopleData
    | ForwardedData
    | FailedData
    | IncidentData
)
