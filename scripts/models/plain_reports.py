"""Short reports in our own words: the same fault told plainly, unhappily and thankfully.

Public sentiment texts teach that "dead", "fails" and "broken" are bad. On a help desk they are
what people write about; the mood is in how they write it.
"""

from random import Random

THINGS = (
    "printer",
    "laptop",
    "laptop battery",
    "second screen",
    "VPN",
    "Wi-Fi",
    "server",
    "scanner",
    "mailbox",
    "calendar",
    "keyboard",
    "shared drive",
    "desk phone",
    "database",
    "intranet page",
    "invoice program",
    "backup job",
    "badge reader",
    "my account",
    "docking station",
    "projector",
    "time sheet",
    "order form",
    "password reset",
    "virus scanner",
    "certificate",
    "ward computer",
)
FAULTS = (
    "does not work",
    "is down",
    "is dead",
    "jams",
    "crashed",
    "is very slow",
    "keeps dropping",
    "still does not work",
    "shows a black screen",
    "cannot be opened",
    "is broken",
    "drops",
    "fails with error {n}",
    "stopped working",
    "is missing",
    "disappeared",
    "is locked",
    "freezes",
    "loses data",
    "is blocked",
    "was stolen",
    "is offline for the whole building",
    "has expired",
    "does not start",
    "rejects every file",
    "prints blank pages",
    "reports a virus",
    "is corrupt",
)
BEFORE = (
    "",
    "",
    "",
    "Since this morning the ",
    "Hello, the ",
    "The ",
    "After the update the ",
    "Urgent: ",
    "At reception the ",
    "For two users the ",
    "Good morning, ",
    "Ticket for IT: ",
)
AFTER = (
    "",
    "",
    "",
    ".",
    " since Monday",
    ", please check",
    " in room {n}",
    ". Restarted it twice.",
    ". What should I do?",
    " on floor {n}",
    ", same as last week",
    ". Nobody can work there now.",
    ". Can someone have a look?",
    " again",
    ". Please help.",
    ", error log attached",
)
UNHAPPY = (
    "Great, the {x} again. Well done, as always.",
    "This is the third time I write: {x}.",
    "{x} and nobody has answered me for a week. Unacceptable.",
    "I am fed up, {x} every day!",
    "Wonderful. {x}, just before my deadline.",
    "Why does nobody fix this? {x}!!!",
    "I am really frustrated: {x}.",
    "{x}. I have lost all confidence in this desk.",
    "Still waiting. {x}. How hard can it be?",
    "{x} AGAIN. I have had enough.",
    "You closed my ticket without reading it. {x}.",
    "Oh perfect, {x} again. Thanks for nothing.",
)
HAPPY = (
    "Thank you, the {t} works again.",
    "Perfect, the {t} is fine now, thanks a lot!",
    "The {t} is fixed. Excellent help from your colleague.",
    "Great job with the {t}, much faster.",
    "I am very happy with the new {t}.",
    "Many thanks for the quick help with the {t}!",
)
COUNTS = {"neutral": 1000, "negative": 300, "positive": 200}


def plain_reports(chance: Random) -> list[tuple[str, str]]:
    """(text, mood) pairs, the same for the same seed."""
    rows = [(_report(chance), "neutral") for _ in range(COUNTS["neutral"])]
    for _ in range(COUNTS["negative"]):
        told = f"{chance.choice(THINGS)} {_numbered(chance.choice(FAULTS), chance)}"
        rows.append((chance.choice(UNHAPPY).format(x=told), "negative"))
    for _ in range(COUNTS["positive"]):
        rows.append((chance.choice(HAPPY).format(t=chance.choice(THINGS)), "positive"))
    return rows


def _report(chance: Random) -> str:
    fault = f"{chance.choice(THINGS)} {chance.choice(FAULTS)}"
    text = _numbered(chance.choice(BEFORE) + fault + chance.choice(AFTER), chance)
    if chance.random() < 0.4:
        return text.lower()
    return text[0].upper() + text[1:]


def _numbered(text: str, chance: Random) -> str:
    return text.replace("{n}", str(chance.randint(2, 900)))
