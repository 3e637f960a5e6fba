"""Additional evaluation sets of scripts/models/evaluate.py --extra."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts/models"


class Letters:
    """Embeds a text by how often it holds each letter."""

    def embed(self, text: str) -> np.ndarray:
        counts = np.array([text.count(letter) for letter in "abcdef"], dtype=np.float32)
        return counts / np.linalg.norm(counts)


@pytest.fixture
def extra(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield pytest.importorskip("extra")
    for name in ("extra", "measure"):
        sys.modules.pop(name, None)


def written(path: Path, rows: list[dict]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_paraphrases_are_looked_up_in_their_corpus(extra, tmp_path):
    corpus = written(
        tmp_path / "corpus.jsonl",
        [
            {"id": 1, "text": "aab"},
            {"id": "two", "text": "ccd"},
            {"id": 3, "text": "eef"},
            {"id": 4, "text": "ff"},
        ],
    )
    queries = written(
        tmp_path / "queries.jsonl",
        [
            {"query": "ab", "relevant": 1},
            {"query": "dcd", "relevant": ["two"]},
            {"query": "f", "relevant": "3"},
        ],
    )

    figures = extra.extra_figures(queries, corpus, Letters(), {})

    assert figures == {"rows": 3, "corpus": 4, "hit@1": pytest.approx(2 / 3), "hit@3": 1.0}


def test_queries_without_a_corpus_are_refused(extra, tmp_path):
    queries = written(tmp_path / "queries.jsonl", [{"query": "ab", "relevant": 1}])

    with pytest.raises(ValueError, match="--corpus"):
        extra.extra_figures(queries, None, Letters(), {})
