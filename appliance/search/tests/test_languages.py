"""Words are found in nine languages: inflected, within compounds, with and without accents."""

import pytest
from django.db import connection

from appliance.core.fields import LANGUAGE_CONFIGS, UNSPACED_SCRIPTS
from appliance.core.sql_files import read_sql
from appliance.search import fulltext, services
from appliance.search.queries import search
from appliance.search.query_parser import parse_query
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket

# Each text stands for a ticket, under a letter: its language, subject and description.
TEXTS = {
    "A": ("de", "Druckertreiber fehlt", "Seit dem Update werden die Drucker nicht mehr gefunden."),
    "B": ("de", "Klimaanlage im Serverraum", "Die Räume im Büro sind zu warm, übermäßig laut."),
    "C": ("de", "Passwörter zurücksetzen", "Die Schlüssel für die Straße liegen im Gehäuse."),
    "D": ("de", "Netzlaufwerk voll", "Das Laufwerk der Buchhaltungsabteilung ist überfüllt."),
    "E": ("en", "Printers are offline", "The driver of the label printers stopped working."),
    "F": ("en", "Server room too warm", "The air conditioning in the server room is failing."),
    "G": ("en", "Reset my password", "I cannot report the import; the transport was late."),
    "H": ("fr", "Imprimantes en réseau", "Les connexions sont coupées depuis la mise à jour."),
    "I": ("fr", "Mot de passe oublié", "Je n'arrive plus à réinitialiser l'accès au réseau."),
    "J": ("fr", "Écran noir", "Le câble de l'écran a été débranché, ça marche où ?"),
    "K": ("es", "Impresoras sin conexión", "Las contraseñas de los usuarios han caducado."),
    "L": ("es", "Año fiscal cerrado", "No puedo abrir los archivos del periodo anterior."),
    "M": ("it", "Stampanti bloccate", "La velocità della rete è bassa, perché non funziona?"),
    "N": ("it", "Password dimenticate", "Gli utenti non riescono ad accedere alle cartelle."),
    "O": ("nl", "Printerstuurprogramma ontbreekt", "De wachtwoorden zijn verlopen in de zomer."),
    "P": ("nl", "Serverruimte te warm", "De gebruikers kunnen hun bestanden niet openen."),
    "Q": ("pl", "Drukarka nie działa", "Użytkownicy zgłaszają problemy z hasłami do poczty."),
    "R": ("pl", "Brak połączenia z serwerem", "Nie mogę otworzyć załączników ani plików."),
    "S": ("pt", "Impressões em branco", "As ligações à rede estão lentas; não há impressora."),
    "T": ("pt", "Palavras-passe expiradas", "Os utilizadores não conseguem aceder às pastas."),
    "U": ("sv", "Skrivardrivrutin saknas", "Lösenordet har gått ut för användarna på våningen."),
    "V": ("sv", "Nätverket är långsamt", "Servrarna i serverrummet behöver kylning."),
    "W": ("", "Druckertreiber", "Kurz."),  # a text whose language was not recognised
}
QUERIES = {
    # German: inflections, compounds, umlauts in every spelling
    "Drucker": "AW",  # W has it as the beginning of its last word
    "Treiber": "A",
    "Druckertreiber": "AW",
    "Druckertreibers": "AW",
    "Treibern": "A",
    "Server -zebra": "BFPV",
    "Serverraum": "B",
    "Raum -zebra": "B",
    "Raeume": "B",
    "Räume": "B",
    "Raume": "B",
    "Büro": "B",
    "Buero": "B",
    "buro": "B",
    "uebermaessig": "B",
    "übermäßig": "B",
    "Passwort": "C",
    "Passwörter": "C",
    "Passwoerter": "C",
    "Schluessel": "C",
    "Schlüsseln": "C",
    "Strasse": "C",
    "Straße": "C",
    "Gehaeuse": "C",
    "Laufwerk": "D",
    "Abteilung": "D",
    "Buchhaltung": "D",
    "Drucker gefunden": "A",
    "Treiber Drucker": "A",
    # English: unchanged, and no word is found within another one
    "printer -zebra": "EO",
    "printing": "EO",
    "drivers": "E",
    "passwords": "GN",
    "port -zebra": "",
    "room -zebra": "F",
    "conditioned": "F",
    # French
    "imprimante": "H",
    "reseau": "HI",
    "réseaux": "HI",
    "connexion": "H",
    "coupee": "H",
    "ecran": "J",
    "écrans": "J",
    "cable": "J",
    "acces -zebra": "I",
    "oublie": "I",
    # Spanish
    "impresora": "K",
    "conexiones": "K",
    "contrasena": "K",
    "contraseña": "K",
    "archivo": "L",
    "ano -zebra": "L",
    # Italian
    "stampante": "M",
    "velocita": "M",
    "utente": "N",
    "cartella": "N",
    # Dutch
    "printer stuurprogramma -zebra": "O",
    "stuurprogramma": "O",
    "wachtwoord": "O",
    "ruimte": "P",
    "gebruiker": "P",
    "bestand": "P",
    # Polish
    "drukarki": "Q",
    "drukarkę": "Q",
    "drukarka -zebra": "Q",
    "hasło": "Q",
    "haslem": "Q",
    "poczta": "Q",
    "użytkownik": "Q",
    "uzytkownika": "Q",
    "serwer": "R",
    "załącznik": "R",
    "polaczenie": "R",
    # Portuguese
    "impressao": "S",
    "impressão": "S",
    "ligacao": "S",
    "utilizador": "T",
    "pasta -zebra": "T",
    # Swedish
    "drivrutin": "U",
    "drivrutiner": "U",
    "skrivare": "U",
    "lösenord": "U",
    "losenord": "U",
    "användare": "U",
    "nätverk": "V",
    "natverket": "V",
    "rum -zebra": "",  # a part of a word has four letters
    # in any language
    "zebra": "",
}
MIN_CORRECT = len(QUERIES)


@pytest.fixture
def tickets(alice) -> dict[str, Ticket]:
    tickets = {}
    for letter, (language, subject, description) in TEXTS.items():
        ticket = tickets_services.create_ticket(
            customer=alice.customer, subject=subject, description=description, by=alice
        )
        Ticket.objects.filter(pk=ticket.pk).update(language=language)
        tickets[letter] = ticket
    return tickets


def find(viewer, text: str, tickets: dict[str, Ticket]) -> str:
    """Return the letters of the tickets that hold all words of the query."""
    letters = {ticket.pk: letter for letter, ticket in tickets.items()}
    hits = [hit for hit in search(viewer, text).hits if {"words", "message"} & set(hit.matched_by)]
    return "".join(sorted(letters[hit.id] for hit in hits))


def test_words_are_found_in_nine_languages(tickets, bob):
    results = {text: find(bob, text, tickets) for text in QUERIES}
    wrong = {
        text: (letters, QUERIES[text])
        for text, letters in results.items()
        if letters != QUERIES[text]
    }
    assert len(wrong) <= len(QUERIES) - MIN_CORRECT, "\n".join(map(str, wrong.items()))


def test_message_is_searched_in_the_language_of_its_ticket(ticket, bob):
    tickets_services.reply(ticket=ticket, by=bob, body="Bitte die Serverräume lüften.")
    assert ids(bob, "Raeume -zebra") == []
    Ticket.objects.filter(pk=ticket.pk).update(language="de")
    assert ids(bob, "Raeume -zebra") == [ticket.pk]
    tickets_services.reply(ticket=ticket, by=bob, body="Der Druckertreiber fehlt.")
    assert ids(bob, "Treiber -zebra") == [ticket.pk]
    assert services.check_index().missing["messages"] == 0


def ids(viewer, text: str) -> list[int]:
    """Return the tickets that hold all words of the query, themselves or in a message."""
    hits = search(viewer, text).hits
    return [hit.id for hit in hits if {"words", "message"} & set(hit.matched_by)]


def test_desk_of_one_language_searches_with_its_configuration_only(ticket):
    assert [config.name for config in fulltext.active_configs()] == ["skerry"]
    Ticket.objects.update(language="en")
    assert [config.name for config in fulltext.active_configs()] == ["skerry"]
    Ticket.objects.update(language="sv")
    assert [config.language for config in fulltext.active_configs()] == ["", "sv"]


def test_languages_with_the_same_words_share_a_tsquery(db):
    configs = [fulltext.TextConfig("skerry"), fulltext.LANGUAGE_TEXT_CONFIGS["fr"]]
    tsqueries = fulltext.build_tsqueries(parse_query("vpn -xyz"), configs)
    assert tsqueries.all_words == "( 'vpn' & !'xyz' )"


@pytest.mark.parametrize("language", ["", *LANGUAGE_CONFIGS])
def test_database_knows_the_configuration_of_each_language(db, language):
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_configuration(%s)::text", [language])
        assert cursor.fetchone()[0] == LANGUAGE_CONFIGS.get(language, "skerry")


def test_database_and_queries_name_the_same_characters():
    sql = read_sql("core", "search_vectors").replace("'\n        '", "")
    assert UNSPACED_SCRIPTS in sql
