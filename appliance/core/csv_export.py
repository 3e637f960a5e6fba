"""Lines of CSV files that people open in a spreadsheet."""

import csv
import unicodedata
from collections.abc import Iterable

from appliance.core.clean_text import is_invisible, remove_unstorable

BYTE_ORDER_MARK = "\ufeff"  # makes spreadsheets read UTF-8
FORMULA_SIGNS = frozenset("=+-@")
CELL_SEPARATORS = ("\t", "\r", "\n")  # some programs begin a new cell there


class _EchoWriter:
    """A file-like object for csv.writer that returns each line."""

    def write(self, line: str) -> str:
        return line


def csv_line(cells: Iterable[object]) -> str:
    """Return one line of a file; no cell of it is read as a formula."""
    line: str = csv.writer(_EchoWriter()).writerow([escape_formula(str(cell)) for cell in cells])
    return line


def escape_formula(text: str) -> str:
    """Return the text with an apostrophe before it if a spreadsheet may read a formula.

    Spreadsheets skip blanks and what cannot be seen, and read full-width and small signs as well.
    """
    text = remove_unstorable(text)
    first = next((char for char in text if not (char.isspace() or is_invisible(char))), "")
    is_formula = unicodedata.normalize("NFKC", first)[:1] in FORMULA_SIGNS
    return f"'{text}" if is_formula or text.startswith(CELL_SEPARATORS) else text
