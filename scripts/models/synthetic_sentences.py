"""Training sentences for sentiment made from patterns, and the probe sentences of the evaluation.

Public sentiment texts teach that "dead", "fails" and "broken" are negative. In a help desk these
words describe the subject; the sentiment is in how the customer writes. ``plain_reports`` therefore
words the same fault neutrally, negatively and positively. ``contrasting_sentences`` pairs polite
anger and sarcasm with sincere twins, and adds bare statements of effect ("nobody can print"), so
that neither "please" nor "great" nor "nobody" decides alone.
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
REPORT_COUNTS = {"neutral": 1000, "negative": 300, "positive": 200}


def plain_reports(rng: Random) -> list[tuple[str, str]]:
    """Return (text, sentiment) pairs; equal seeds give equal pairs."""
    rows = [(_neutral_report(rng), "neutral") for _ in range(REPORT_COUNTS["neutral"])]
    for _ in range(REPORT_COUNTS["negative"]):
        fault = f"{rng.choice(THINGS)} {_numbered(rng.choice(FAULTS), rng)}"
        rows.append((rng.choice(UNHAPPY).format(x=fault), "negative"))
    rows += [
        (rng.choice(HAPPY).format(t=rng.choice(THINGS)), "positive")
        for _ in range(REPORT_COUNTS["positive"])
    ]
    return rows


def _neutral_report(rng: Random) -> str:
    fault = f"{rng.choice(THINGS)} {rng.choice(FAULTS)}"
    text = _numbered(rng.choice(BEFORE) + fault + rng.choice(AFTER), rng)
    if rng.random() < 0.4:
        return text.lower()
    return text[0].upper() + text[1:]


def _numbered(text: str, rng: Random) -> str:
    return text.replace("{n}", str(rng.randint(2, 900)))


SLOTS = {
    "t": (
        "printer",
        "VPN",
        "mailbox",
        "laptop",
        "scanner",
        "shared folder",
        "badge reader",
        "payroll program",
        "intranet",
        "desk phone",
        "order form",
        "calendar",
        "projector",
        "Wi-Fi",
        "backup",
        "ticket system",
        "booking page",
        "account",
        "card",
        "delivery",
    ),
    "d": (
        "two days",
        "a week",
        "ten days",
        "a fortnight",
        "three weeks",
        "a month",
        "ages",
        "nine working days",
        "half the summer",
    ),
    "n": ("second", "third", "fourth", "fifth", "seventh", "umpteenth"),
    "b": (
        "lost my draft",
        "ate the report",
        "locked everybody out",
        "wiped my settings",
        "sent the invoice twice",
        "stopped in the middle",
        "froze again",
        "broke the search",
        "charged me twice",
        "deleted the photos",
        "dropped my call",
    ),
    "w": (
        "print",
        "log in",
        "scan",
        "send mail",
        "open the files",
        "take orders",
        "call out",
        "reach the server",
        "book a room",
        "see the patient list",
        "pay",
        "save anything",
    ),
    "p": (
        "reception",
        "the whole ward",
        "our team",
        "the third floor",
        "accounting",
        "everyone in the warehouse",
        "the night shift",
        "all of purchasing",
        "the branch",
    ),
}
POLITE_ANGER = (
    "I would be grateful if someone finally found the time to look at the {t}; it has been {d}.",
    "With all due respect, {d} without an answer about the {t} is not what I expected.",
    "May I kindly remind you, for the {n} time, that the {t} is still not repaired?",
    "I do hope it is not too much to ask that the {t} works at least once this month.",
    "Would it be possible for anybody to read my messages? This is the {n} one about the {t}.",
    "Thank you for your patience, you write. Mine ended {d} ago. The {t}, please.",
    "I appreciate that you are busy, but {d} for a {t} is beyond reason.",
    "Forgive me for being blunt: the {t} {b} and nobody seems to care.",
    "Please be so kind as to explain why my ticket about the {t} was closed without a fix.",
    "I kindly ask you to pass this on to your manager, since {d} of asking led nowhere.",
    "I have been very patient, but {d} is really enough.",
    "Perhaps someone could spare five minutes, now that {d} have passed?",
    "I should like to know who decided that {d} is an acceptable time for a {t}.",
    "It would be nice to be taken seriously for once. The {t} {b} again.",
    "Kindly let me know whether anyone still works there. {n} request about the {t}.",
    "I am sorry to have to write a {n} time, and frankly I am disappointed.",
    "Surely {d} should suffice to answer one question about a {t}?",
    "I trust you will agree that paying for a {t} that {b} is hardly satisfactory.",
)
SARCASM = (
    "Oh lovely, the {t} {b}. Made my day.",
    "Brilliant. The {t} {b}. Who tests these things?",
    "What a wonderful update: the {t} {b}.",
    "Bravo, the new {t} {b} on its first day.",
    "Nice job, guys, the {t} {b} once more.",
    "Fantastic service, only {d} to get a reply.",
    "I just love it when the {t} {b} during a meeting.",
    "Top marks for the {t}: it {b}. Again.",
    "How delightful, {d} of waiting and the {t} still fails.",
    "Congratulations on the upgrade, now nobody can {w}.",
    "So glad we paid for a {t} that {b}.",
    "Sure, take your time, it is only {d} already.",
    "Thanks a bunch, the {t} {b} after your visit.",
    "Best support ever. {n} ticket, no answer.",
    "Well done, you fixed the {t} so thoroughly that it {b}.",
    "Amazing. It {b}. Just amazing.",
    'Yeah right, "resolved". The {t} {b} an hour later.',
    "Cheers for the {t} that {b}, really.",
    "Great timing, the {t} {b} five minutes before the audit.",
    "Who needs a working {t} anyway, right?",
    "Love waiting on hold for {d}. Truly a pleasure.",
    "Impressive, the {t} managed to get even worse.",
    "Perfect. Simply perfect. The {t} {b}.",
    "Wow, such a helpful answer. The {t} still {b}.",
)
EFFECTS = (
    "{p} cannot {w}.",
    "Nobody can {w} at the moment.",
    "No one in {p} can {w}.",
    "We cannot {w} since 8:40.",
    "{p} is unable to {w}.",
    "Not possible to {w}.",
    "Work has stopped in {p}.",
    "Everything stands still in {p}.",
    "All users are affected.",
    "{p} is waiting, the {t} {b}.",
    "The {t} {b}.",
    "It {b}.",
    "Nobody has access to the {t}.",
    "None of us can {w}.",
    "Production is down.",
    "We are offline.",
    "Total outage in {p}.",
    "Nothing works in {p} since the power cut.",
    "Cannot {w}.",
    "Unable to {w}",
    "Still no {t}.",
    "Critical: {p} cannot {w}, please call me.",
    "The {t} is dead, {p} is sent home.",
    "Ten people are blocked because the {t} {b}.",
    "I cannot {w} and my deadline is tonight.",
    "No phone, no mail, no {t}.",
    "The {t} is unusable in {p}.",
    "Lost connection to the {t}.",
)
POLITE_PLAIN = (
    "I would be grateful if someone could look at the {t} this week.",
    "May I kindly ask for access to the {t}?",
    "Would it be possible to move the {t} to room 12?",
    "Could you please check the {t}? It {b} this morning.",
    "Thank you in advance for a look at the {t}.",
    "Dear colleagues, please set up a {t} for a new employee. Thanks, regards",
    "I appreciate any hint on how to {w} from home. Thank you.",
    "Many thanks for checking why I cannot {w}.",
    "This is a reminder about the {t} request from Monday.",
    "Hi, when will the {t} be delivered? Thanks.",
    "Please be so kind as to reset my {t}.",
    "Kindly confirm the order of one {t}.",
    "Is there any news about the {t}? Best regards",
    "The {t} {b}. Thanks for your help.",
    "Sorry to bother you, how do I {w} with the new {t}?",
    "Good morning, please let me know how to {w}. Have a nice day.",
)
SINCERE = (
    "The {t} works again after {d}, thank you so much for not giving up!",
    "What a nice surprise, the new {t} is much faster.",
    "I just love the new {t}, well done!",
    "Brilliant help today, the {t} is fine again.",
    "Bravo to your team, I can {w} again already.",
    "Fantastic service: I asked at nine and could {w} at ten.",
    "You saved my day, thanks!",
    "I expected to wait {d}, it took an hour. Great work.",
    "It {b}, but your colleague solved it in minutes. Really kind of her.",
    "No more trouble with the {t}, I am very pleased.",
    "Everyone in {p} can {w} again. Thank you, you were great.",
    "Top support, thanks for the quick answer about the {t}.",
    "Works perfectly now, cheers!",
    "Problem with the {t} gone. Excellent, many thanks.",
    "Congratulations on the upgrade, we can {w} twice as fast.",
)
PATTERN_COUNTS = (
    (POLITE_ANGER, "negative", 360),
    (SARCASM, "negative", 420),
    (EFFECTS, "neutral", 520),
    (POLITE_PLAIN, "neutral", 330),
    (SINCERE, "positive", 330),
)
PROBES = (  # never in the training data, and not made from the patterns above
    (
        "I would appreciate it if somebody could finally look at this, it has been three weeks.",
        "negative",
    ),
    ("What a surprise, the update deleted my files. Brilliant work.", "negative"),
    ("Nobody can work.", "neutral"),
    ("With respect, I expected better from a support desk.", "negative"),
    ("Thanks for nothing.", "negative"),
    ("Your colleague hung up on me. Charming.", "negative"),
    ("I see my request was ignored once more. Noted.", "negative"),
    ("Five stars for making me wait until midnight.", "negative"),
    ("Is this a joke? Third crash today.", "negative"),
    ("I'm sure you have better things to do than helping users.", "negative"),
    ("It would mean a lot if my emails were not ignored for another month.", "negative"),
    ("Great, now the old one doesn't work either.", "negative"),
    ("As usual, IT knows best.", "negative"),
    ("Please do tell me what exactly you have been doing since Tuesday.", "negative"),
    ("The till is down and customers are queueing.", "neutral"),
    ("Server room flooded.", "neutral"),
    ("Whole site without internet.", "neutral"),
    ("All our data on drive F is gone.", "neutral"),
    ("I was locked out after three attempts.", "neutral"),
    ("Nurses cannot open the medication chart.", "neutral"),
    ("mouse broken", "neutral"),
    ("Please help me to set up my new phone.", "neutral"),
    ("Could you kindly tell me where to find the form? Many thanks!", "neutral"),
    ("I would appreciate an extra monitor for my desk.", "neutral"),
    ("Suspicious mail asks for my bank details.", "neutral"),
    ("The alarm in the freezer room does not report failures.", "neutral"),
    ("Everything back to normal, you are the best!", "positive"),
    ("Wow, that was fast. Thank you!", "positive"),
    (
        "I did not think it could be rescued, but all my files are there. Thanks to Anna!",
        "positive",
    ),
    ("The migration went smoothly, compliments to everybody involved.", "positive"),
    ("Much better than the old system.", "positive"),
    ("That did the trick, I'm delighted.", "positive"),
)


def contrasting_sentences(rng: Random) -> list[tuple[str, str]]:
    """Return (text, sentiment) pairs; equal seeds give equal pairs."""
    return [
        (_filled(rng.choice(patterns), rng), label)
        for patterns, label, count in PATTERN_COUNTS
        for _ in range(count)
    ]


def _filled(pattern: str, rng: Random) -> str:
    text = pattern.format(**{name: rng.choice(words) for name, words in SLOTS.items()})
    if rng.random() < 0.25:
        return text.lower().rstrip(".")
    return text[0].upper() + text[1:]
