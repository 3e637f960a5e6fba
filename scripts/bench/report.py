"""Where the benches write: each its own section of docs/performance.md, made anew by each run.

    from report import Section
    Section("search", "Search and lists").write(lines)

A section stands between ``<!-- name -->`` and ``<!-- /name -->``; what stands outside is left as it
is, and a name the page does not hold yet goes to its end.
"""

import os
import re
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
PLACES = {"--data", "--dsn", "--scratch"}  # options that name something of this machine alone


@dataclass(frozen=True)
class Section:
    """One bench's part of the page. ``load`` is the machine's when the bench began."""

    name: str
    title: str
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    def write(self, lines: Iterable[str], page: Path = PAGE) -> None:
        """Print the lines and put them into the page, with command, day and machine above."""
        body = "\n".join(lines).strip()
        print(body, flush=True)
        head = (
            f"## {self.title}\n\n    {command()}\n\n{time.strftime('%Y-%m-%d')}, {self._machine()}"
        )
        text = f"<!-- {self.name} -->\n{head}\n\n{body}\n<!-- /{self.name} -->"
        page.write_text(_placed(self.name, text, page.read_text() if page.exists() else ""))

    def _machine(self) -> str:
        """The machine in words, and how busy it was: figures of a busy one are too high."""
        model = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
        memory = re.search(r"^MemTotal:\s*(\d+)", _read("/proc/meminfo"), re.MULTILINE)
        processor = model.group(1) if model else "unknown processor"
        gigabytes = int(memory.group(1)) / 1e6 if memory else 0
        busy = f"load {self.load:.1f} when it began and {os.getloadavg()[0]:.1f} when it ended"
        return f"{os.cpu_count()} cores ({processor}), {gigabytes:.0f} GB of memory, {busy}."


def command() -> str:
    """What was typed, without the places of this machine."""
    words = [f"scripts/bench/{Path(sys.argv[0]).name}"]
    given = iter(sys.argv[1:])
    for word in given:
        if word.split("=")[0] not in PLACES:
            words.append(word)
        elif "=" not in word:
            next(given, None)
    return "python " + shlex.join(words)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table; numbers stand right."""
    kept = [[str(cell) for cell in row] for row in rows]
    is_number = [bool(kept) and all(_is_number(row[n]) for row in kept) for n in range(len(head))]
    line = ["---:" if right else "---" for right in is_number]
    return [f"| {' | '.join(cells)} |" for cells in [list(head), line, *kept]]


def middle_and_slow(milliseconds: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    return float(np.median(milliseconds)), float(np.percentile(milliseconds, 99))


def met(reached: bool) -> str:
    """How a goal fared, for the cell beside it."""
    return "yes" if reached else "**no**"


def _placed(name: str, text: str, page: str) -> str:
    marks = re.compile(rf"<!-- {re.escape(name)} -->.*?<!-- /{re.escape(name)} -->", re.DOTALL)
    if marks.search(page):
        return marks.sub(lambda _: text, page, count=1)
    return f"{page.rstrip()}\n\n{text}\n" if page.strip() else f"{text}\n"


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[<>≈]?[−-]?[\d,.]+( ?(ms|s|×|%|MB|GB))?|", cell))


def _read(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""
