"""Words and phrases of replies in nine languages: what is no solution, and what often is one.

English, German, French, Spanish, Italian, Dutch, Polish, Portuguese and Swedish.
"""

import re

# No sentence ends at the full stop of these. Those that often do end one ("etc.", "usw.") are left
# out: a capital letter after them begins a sentence.
ABBREVIATIONS = frozenset(
    """
    e.g i.e mr mrs ms dr prof vs approx st
    z.b d.h bzw ca evtl ggf inkl zzgl u.a o.g sog vgl tel hr fr
    p.ex env cf mme mlle
    p.ej ej sr sra ud uds
    p.es sig sig.ra dott ing
    bijv d.w.z o.a dhr mevr i.v.m
    np tzn m.in tj godz ul
    t.ex bl.a d.v.s s.k
    """.split()  # noqa: SIM905
)
BEFORE_NUMBERS = frozenset(("no", "nr", "núm", "num", "pág", "pag", "p", "bd", "abs", "rys"))
BEFORE_ORDINALS = frozenset(  # "am 3. Mai", "der 2. Versuch"
    """
    am der die das den dem des zum vom bis im seit ab ein eine einen einem einer jeder jede
    """.split()  # noqa: SIM905
)

# Greetings, thanks, apologies, closings, requests to answer, and what was merely passed on.
_STARTS = r"""
    hi | hello | hey | hiya | dear | good\ (?:morning|afternoon|evening|day)
    | welcome\ (?:to|back)
  | hallo | guten\ (?:tag|morgen|abend) | moin | grüezi | servus | sehr\ geehrte[rs]? | liebe[rs]?
  | bonjour | bonsoir | salut | ch(?:er|ère)s? | madame | monsieur
  | hola | buen(?:os|as)\ \w+ | buen\ día | estimad[oa]s?
  | ciao | salve | buon(?:giorno|asera) | gentil[ei] | egregi[oa]
  | beste | geachte | goede(?:morgen|middag|navond|ndag)
  | cześć | dzień\ dobry | witam | szanown[aiy]e?
  | olá | bom\ dia | boa\ (?:tarde|noite) | prezad[oa]s? | car[oa]s?
  | hej | god\ (?:morgon|dag|kväll) | bästa
  | thanks | thank\ you | many\ thanks | thx | cheers | you(?:'|’)re\ welcome | glad | happy\ to
  | great | good\ luck | sorry | apologies | (?:i|we)\ apologi[sz]e | we\ are\ sorry
  | my\ apologies
  | i(?:'|’)m\ (?:very\ )?sorry | i\ am\ (?:very\ )?sorry | no\ problem | my\ pleasure
  | (?:vielen|herzlichen|besten)\ dank | danke | gern(?:e)?\ geschehen | kein\ problem
  | entschuldig
  | (?:es|das)\ tut\ (?:mir|uns)\ leid | freut\ mich | schön,? | viel\ erfolg
  | merci | je\ vous\ en\ prie | désolé | nous\ sommes\ désolés | avec\ plaisir
  | (?:muchas\ )?gracias | de\ nada | lo\ siento | disculp | lamentamos
  | (?:mille\ )?grazie | prego | mi\ (?:di)?spiace | ci\ (?:di)?spiace | scus
  | bedankt | dank\ (?:u|je) | hartelijk\ dank | graag\ gedaan | het\ spijt | excuses
  | dzięk | dziękuj | nie\ ma\ za\ co | przepraszam | przykro
  | (?:muito\ )?obrigad[oa] | de\ nada | desculp | lamento
  | tack | varsågod | ledsen | ursäkta | vi\ beklagar
  | (?:kind|best|warm)?\ ?regards | best\ wishes | sincerely | yours | have\ a\ \w+
  | (?:mit\ )?(?:freundlichen|besten|vielen|herzlichen|schönen)\ grü(?:ß|ss)en?
  | viele\ grü(?:ß|ss)e
  | (?:liebe|schöne|beste)\ grü(?:ß|ss)e | lg\b | mfg\b | einen\ schönen
  | (?:bien\ )?cordialement | bonne\ journée | salutations
  | (?:un\ )?saludos? | atentamente | cordiali\ saluti | distinti\ saluti | un\ saluto
  | (?:met\ )?vriendelijke\ groet | groet | fijne\ dag | (?:z\ )?poważaniem | pozdrawiam
  | atenciosamente | cumprimentos | (?:med\ )?vänliga?\ hälsning | hälsningar | mvh\b
"""
_ANYWHERE = r"""
    let\ (?:us|me)\ know | get\ back\ to\ (?:us|me|you) | (?:hope|hopes)\ (?:this|that|it)\ helps?
  | (?:feel|please)\ free\ to | (?:do\ not|don(?:'|’)t)\ hesitate | thank\ you\ for | thanks\ for
  | looking\ into\ (?:it|this) | look\ forward\ to | (?:your|the)\ ticket
  | close\ (?:this|the)\ (?:ticket|case)
  | (?:i|we)\ (?:have\ |(?:'|’)ve\ )?(?:forwarded|escalated|passed)
  | keep\ (?:you|us|me)\ (?:posted|updated)
  | mark\ (?:this|it)\ as\ (?:solved|resolved) | (?:the|your)\ question\ as\ solved
  | (?:send|give|tell|post)\ (?:us|me)\b
  | (?:melden|meldet)\ (?:sie|euch)?\ ?(?:sich)? | lassen\ sie\ (?:uns|es\ uns|mich) | ihr\ ticket
  | bei\ (?:weiteren\ )?fragen | (?:geben|gib)\ (?:sie\ )?(?:uns|mir)\ bescheid | teilen\ sie\ uns
  | (?:habe|haben)\ .{0,40}\ weitergeleitet | ich\ hoffe,\ das | zur\ verfügung\.$
  | wir\ kümmern\ uns
  | n(?:'|’)hésitez\ pas | faites-(?:nous|moi)\ savoir | tenez-(?:nous|moi) | votre\ ticket
  | (?:nous|je)\ restons?\ à\ votre
  | no\ dude[s]?\ en | háganos\ saber | avísenos | avíseme | quedamos\ a\ | su\ ticket
  | non\ esiti | fateci\ sapere | ci\ faccia\ sapere | mi\ faccia\ sapere | restiamo\ a
  | laat\ (?:het\ )?(?:ons|mij|me)\ | aarzel\ niet | neem\ gerust
  | proszę\ (?:dać|o)\ (?:znać|informację|kontakt) | prosimy\ o\ | daj\ znać
  | não\ hesite | avise-nos | avise-me | fico\ à\ disposição | ficamos\ à
  | hör\ (?:gärna\ )?av\ | låt\ (?:oss|mig)\ veta | tveka\ inte | återkom
"""
_WROTE = (
    r"(?:wrote|schrieb|a\ écrit|escribió|ha\ scritto|schreef|napisał[a]?|escreveu|skrev)\s*:\s*$"
)
_PHRASE = re.compile(
    rf"^[\W_]*(?:{_STARTS})\b|(?:{_ANYWHERE})|{_WROTE}", re.IGNORECASE | re.VERBOSE
)

# "The new password is …": a secret, or a place where one follows.
SECRET = re.compile(
    r"""
    \b(?: password | passcode | passphrase | pin | recovery\ (?:key|code) | one-time\ code
    | licen[cs]e\ key
        | kennwort | passwort | lizenzschlüssel | wiederherstellungsschlüssel | mot\ de\ passe
        | contraseña | clave | parola\ d(?:'|’)ordine | wachtwoord | hasło | senha
        | palavra-passe | lösenord )\b
    [^.!?]{0,30}? (?: : | = | \b(?:is|lautet|ist|est|es|è|to|auf|jest|é|är)\b ) \s*
    [`"'“„«*]* (?= \S*[\d!$%&#] ) \S{4,}
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A title and a name: a person that the desk may not know.
ADDRESSED_PERSON = re.compile(
    r"""
    \b(?: [Mm]rs? | [Mm]s | [Mm]iss | [Dd]r | [Pp]rof | [Hh]err(?:n)? | [Ff]rau | [Mm]onsieur
    | [Mm]adame
        | [Mm]me | M | [Ss]eñora? | [Ss]ra? | [Ss]ig(?:\.ra|nor|nora)? | [Dd]hr
        | [Mm]evr(?:ouw)? | [Mm]eneer
        | [Pp]an(?:i|a|em|ią)? | [Ss]enhora? | [Dd]ott(?:\.ssa)? )\.? \s+ [^\W\d_a-z][^\W\d_]+
    """,
    re.VERBOSE,
)

# "It arrives on Monday": true for one day only.
MOMENT = re.compile(
    r"""
    \b(?: (?: mon | tues | wednes | thurs | fri | satur | sun )day | today | tonight | tomorrow
      | yesterday | this\ (?:morning|afternoon|evening|week) | next\ week | an\ hour\ ago
      | (?: mon | diens | donners | frei | sams | sonn )tag | mittwoch | heute | morgen | gestern
      | lundi | mardi | mercredi | jeudi | vendredi | samedi | dimanche | aujourd(?:'|’)hui
      | demain | hier
      | lunes | martes | miércoles | jueves | viernes | sábado | domingo | hoy | mañana | ayer
      | (?: lune | marte | mercole | giove | vener )dì | sabato | domenica | oggi | domani | ieri
      | (?: maan | dins | woens | donder | vrij | zater | zon )dag | vandaag | vanavond | gisteren
      | poniedziałek | wtorek | środ[aęy] | czwartek | piątek | sobot[aęy] | niedziel[aęi]
      | dzisiaj | dziś | jutro | wczoraj
      | (?: segunda | terça | quarta | quinta | sexta )-feira | hoje | amanhã | ontem
      | (?: mån | tis | ons | tors | fre | lör | sön )dag(?:en)? | idag | imorgon | igår )\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

# Verbs that tell somebody what to do, as sentences begin with, and words of a cause or a cure.
_IMPERATIVES = r"""
    (?:please\ |then\ |now\ |next,?\ |first,?\ |just\ |simply\ |also\ |instead,?\
    |to\ \w+[^,.]{0,50},\ )*
    (?: add | allow | change | check | choose | clear | click | close | compact | connect
    | copy | create
      | delete | deselect | disable | disconnect | double-click | download | drag | edit
      | enable | enter
      | exit | export | find | go | hold | hover | import | install | launch | locate | log
      | look | make
      | move | navigate | open | paste | pick | plug | press | pull | reboot | re-?add
      | re-?enter | reinstall
      | reload | remove | rename | repair | replace | reset | restart | restore | right-click
      | run | save
      | scroll | search | select | set | shut | sign | start | switch | tick | toggle | try
      | turn | type
      | unblock | uncheck | uninstall | unplug | untick | update | upgrade | use | verify
      | visit | wait )
  | (?:bitte\ |dann\ |danach\ |zuerst\ |jetzt\ |nun\ )*
    (?: öffnen | klicken | starten | wählen | entfernen | löschen | installieren
    | deinstallieren | prüfen
      | setzen | stellen | schalten | deaktivieren | aktivieren | melden | ziehen | stecken
      | drücken
      | gehen | geben | tragen | ändern | verwenden | nutzen | versuchen | laden | leeren | warten
      | aktualisieren | verbinden | trennen | halten )\ sie
  | (?:veuillez\ |puis\ |ensuite,?\ )*(?:ouvr|cliqu|red[ée]marr|s[ée]lectionn|choisiss|supprim
  |d[ée]sactiv
      |activ|install|v[ée]rifi|entr|utilis|ess?ay|mett|appuy|all|connect|d[ée]connect)\w*ez
  | (?:abra|haga|pulse|seleccione|elija|reinicie|elimine|borre|desactive|active|instale
  |compruebe|vaya|use
      |utilice|intente|cierre|introduzca)\b
  | (?:apra|faccia|clicchi|selezioni|scelga|riavvii|elimini|disattivi|attivi|installi|verifichi
  |vada|usi
      |provi|chiuda|aprire|fare|selezionare|riavviare|eliminare|disattivare|andare|provare)\b
  | (?:open|klik|start|kies|selecteer|verwijder|schakel|installeer|controleer|ga|gebruik|probeer
  |sluit)\b
  | (?:proszę\ )?(?:otwórz|kliknij|uruchom|wybierz|usuń|wyłącz|włącz|zainstaluj|sprawdź|przejdź
  |użyj
      |spróbuj|zamknij|otworzyć|kliknąć|uruchomić|wybrać|usunąć|wyłączyć|włączyć|sprawdzić)\b
  | (?:abra|clique|selecione|escolha|reinicie|elimine|remova|desative|ative|instale|verifique|vá
  |use
      |tente|feche)\b
  | (?:öppna|klicka|starta|välj|ta\ bort|stäng|slå|installera|kontrollera|gå|använd|prova)\b
"""
IMPERATIVE = re.compile(rf"^[\W_]*(?:{_IMPERATIVES})\b", re.IGNORECASE | re.VERBOSE)
CURE = re.compile(
    r"""
    \b(?: you\ (?:can|need|should|must|have\ to|could|may|might)
    | (?:the|a|this)\ (?:solution|fix|workaround|cause|reason|problem\ (?:is|was))
      | (?:is|was|are|were)\ (?:caused|due)\b | because | fix(?:e[sd])? | solve[sd]?
      | resolve[sd]? | work(?:ed|s)\ (?:again|now|for)
      | try | instead | need\ to | should
      | lösung | ursache | lag\ an | liegt\ an | behoben | gelöst | weil | müssen\ sie
      | können\ sie | sie\ (?:müssen|können)
      | solution | cause | résolu | corrigé | parce\ que | vous\ (?:pouvez|devez)
      | solución | causa | resuelto | porque | puede | debe | hay\ que
      | soluzione | risolto | perch[ée] | può | deve | bisogna
      | oplossing | oorzaak | opgelost | omdat | u\ kunt | moet
      | rozwiązanie | przyczyn\w* | naprawion\w* | ponieważ | można | należy | trzeba
      | solução | resolvido | pode | deve | é\ preciso
      | lösning | orsak\w* | löst | eftersom | kan\ du | behöver | måste )\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# The way through menus, a command, a key: "Tools > Options", `ipconfig`, "Ctrl+F5".
PATH = re.compile(
    r"\w\s?(?:>|→|➔|›|»|-->|=>)\s?\w|`[^`]+`|\b(?:Ctrl|Strg|Alt|Shift|Cmd|Maj)\s?\+|https?://"
)


def is_phrase(text: str) -> bool:
    """Return whether the sentence greets, thanks, apologises, closes or asks for an answer."""
    return bool(_PHRASE.search(text))
