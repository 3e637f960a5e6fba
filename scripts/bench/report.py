"""Write the sections of docs/performance.md: each benchmark replaces its own section.

    from report import Section
    Section("search", "Lists, search and suggestions").write(lines)

A section is the text between ``<!-- name -->`` and ``<!-- /name -->``. Text outside is kept, and a
new section is appended.
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
LOCAL_OPTIONS = {"--data", "--dsn", "--scratch"}  # options whose values exist on this machine only


@dataclass(frozen=True)
class Section:
    """The section of one benchmark. ``load`` is the load average when the benchmark started."""

    name: str
    title: str
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    def write(self, lines: Iterable[str], page: Path = PAGE) -> None:
        """Print the lines and write them to the page below command, date and machine."""
        body = "\n".join(lines).strip()
        print(body, flush=True)
        head = (
            f"## {self.title}\n\n    {command()}\n\n{time.strftime('%Y-%m-%d')}, {self._machine()}"
        )
        text = f"<!-- {self.name} -->\n{head}\n\n{body}\n<!-- /{self.name} -->"
        page.write_text(_insert(self.name, text, page.read_text() if page.exists() else ""))

    def _machine(self) -> str:
        """Return the machine and its load; figures of a busy machine are too high."""
        model = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
        memory = re.search(r"^MemTotal:\s*(\d+)", _read("/proc/meminfo"), re.MULTILINE)
        processor = model.group(1) if model else "unknown processor"
        gigabytes = int(memory.group(1)) / 1e6 if memory else 0
        load = f"load average {self.load:.1f} at the start and {os.getloadavg()[0]:.1f} at the end"
        return f"{os.cpu_count()} cores ({processor}), {gigabytes:.0f} GB of memory, {load}."


def command() -> str:
    """Return the command line without the paths of this machine."""
    words = [f"scripts/bench/{Path(sys.argv[0]).name}"]
    arguments = iter(sys.argv[1:])
    for word in arguments:
        if word.split("=")[0] not in LOCAL_OPTIONS:
            words.append(word)
        elif "=" not in word:
            next(arguments, None)
    return "python " + shlex.join(words)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table; columns of numbers are right-aligned."""
    cells = [[str(cell) for cell in row] for row in rows]
    is_number = [bool(cells) and all(_is_number(row[n]) for row in cells) for n in range(len(head))]
    line = ["---:" if right else "---" for right in is_number]
    return [f"| {' | '.join(row)} |" for row in [list(head), line, *cells]]


def median_and_p99(milliseconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return float(np.median(milliseconds)), float(np.percentile(milliseconds, 99))


def met(reached: bool) -> str:
    """Return the table cell that says whether a goal was met."""
    return "yes" if reached else "**no**"


def _insert(name: str, text: str, page: str) -> str:
    marks = re.compile(rf"<!-- {re.escape(name)} -->.*?<!-- /{re.escape(name)} -->", re.DOTALL)
    if marks.search(page):
        return marks.sub(lambda _: text, page, count=1)
    return f"{page.rstrip()}\n\n{text}\n" if page.strip() else f"{text}\n"


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[<>≈]?[−-]?[\d,.]+( ?(ms|s|×|%|MB|GB))?|", cell))


def _read(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""
