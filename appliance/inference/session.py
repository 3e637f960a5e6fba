"""One verified bundle in memory: tokenizer and onnxruntime session, one text at a time."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from appliance.inference import languages
from appliance.inference.bundle import (
    ENGLISH_MODEL,
    ENGLISH_TOKENIZER,
    FROZEN_HEAD,
    Bundle,
    refuse,
    verify_files,
)
from appliance.inference.linear_head import LinearHead

MAX_CHARACTERS = 20_000  # of a text, before white space is folded
CHARACTERS_PER_TOKEN = 16  # generous: English has about four
MAX_KNOWN_WORDS = 50  # of a text, looked at to see whether the model knows any
LETTERS_OF_TOKEN = 4  # at least, of the tokens of a word that the model knows
_LETTERS = re.compile(r"[^\W\d_]{3,}")
# A tensor stored in another file has this entry with the key "location" in protobuf.
EXTERNAL_DATA = b"\x0a\x08location\x12"

TimingListener = Callable[[str, float], None]  # role, seconds
_timing_listeners: list[TimingListener] = []


def add_timing_listener(listener: TimingListener) -> None:
    """Call ``listener(role, seconds)`` after each inference, in its thread; it must be quick."""
    if listener not in _timing_listeners:
        _timing_listeners.append(listener)


@contextmanager
def timed(role: str) -> Iterator[None]:
    """Measure one inference by the bundle of this role."""
    started_at = time.perf_counter()
    yield
    seconds = time.perf_counter() - started_at
    for listener in _timing_listeners:
        listener(role, seconds)


def clean(text: str, max_tokens: int) -> str:
    """Return the start of the text without NUL and lone surrogates, white space folded.

    Takes as long for 1 MB as for 20 kB, since the text is cut first.
    """
    start = text[:MAX_CHARACTERS].replace("\x00", " ")
    start = start.encode("utf-8", "ignore").decode("utf-8")
    return " ".join(start.split())[: max_tokens * CHARACTERS_PER_TOKEN]


class TextTokenizer:
    """A tokenizer that truncates at ``max_tokens`` and never pads, whatever its file says."""

    def __init__(self, path: Path, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()  # the file may ask for fixed padding to 128
        self._tokenizer.enable_truncation(max_tokens)

    def ids(self, text: str) -> list[int]:
        """Return token ids with the special tokens; only those two for an empty text."""
        ids: list[int] = self._tokenizer.encode(clean(text, self.max_tokens)).ids
        return ids

    def knows_words(self, text: str) -> bool:
        """Return whether a word of the text is more than letters to the model.

        A random or foreign word becomes nearly as many tokens as it has letters.
        """
        words = _LETTERS.findall(text[:MAX_CHARACTERS])[:MAX_KNOWN_WORDS]
        word_of_tokens = self._tokenizer.encode(" ".join(words), add_special_tokens=False).word_ids
        token_counts = Counter(word_of_tokens)
        return any(
            0 < token_counts[number] <= max(1, len(word) / LETTERS_OF_TOKEN)
            for number, word in enumerate(words)
        )


class Session:
    """An onnxruntime session that takes one text's token ids."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._inputs = [item.name for item in session.get_inputs()]

    def run(self, ids: list[int]) -> np.ndarray:
        """Return float32 (labels,) logits or a (dims,) vector.

        Never batched: dynamic int8 quantization scales over all rows, so that the other texts of a
        batch would change the output.
        """
        input_ids = np.array([ids], dtype=np.int64)
        tensors = {
            "input_ids": input_ids,
            "attention_mask": np.ones_like(input_ids),
            "token_type_ids": np.zeros_like(input_ids),
        }
        outputs = self._session.run(None, {name: tensors[name] for name in self._inputs})
        first_row: np.ndarray = outputs[0][0]
        return first_row


class TextModel:
    """A model and the tokenizer of its texts."""

    def __init__(self, model: Path, tokenizer: Path, max_tokens: int, threads: int) -> None:
        """Open both files; raises BundleRefusedError naming the bundle and the reason."""
        about = f"{model.parent.parent.name}/{model.parent.name}"
        try:
            self.tokenizer = TextTokenizer(tokenizer, max_tokens)
        except Exception as error:  # tokenizers raises plain Exception
            raise refuse(about, f"{tokenizer.name} cannot be used ({error}).") from error
        self._session = open_session(model, threads, about)

    def run(self, text: str) -> np.ndarray:
        """Return float32 (labels,) logits or a (dims,) vector."""
        return self._session.run(self.tokenizer.ids(text))


def open_models(
    folder: Path, max_tokens: int, threads: int, *, has_english: bool
) -> Callable[[str], TextModel]:
    """Open the model files of a bundle and return text → the model of its language.

    With ``has_english``, English texts have a model of their own. Raises BundleRefusedError.
    """

    def opened(model: str, tokenizer: str) -> TextModel:
        return TextModel(folder / model, folder / tokenizer, max_tokens, threads)

    every = opened("model.onnx", "tokenizer.json")
    if not has_english:
        return lambda text: every
    english = opened(ENGLISH_MODEL, ENGLISH_TOKENIZER)
    return lambda text: english if languages.is_english(text) else every


class LoadedBundle:
    """Runs one bundle. Thread-safe: nothing changes after loading."""

    def __init__(self, bundle: Bundle, threads: int) -> None:
        """Load the files and check digests, output size and golden outputs.

        Raises BundleRefusedError naming the bundle and the reason.
        """
        self.bundle = bundle
        self._about = f"{bundle.ref.name}/{bundle.ref.version}"
        verify_files(bundle)
        self._model_for = open_models(
            bundle.folder, bundle.max_tokens, threads, has_english=bundle.has_english_model
        )
        self.frozen_head = self._load_frozen_head()
        self._check_golden()

    def run(self, text: str) -> np.ndarray:
        """Return the model's output for one text: float32 (labels,) logits or a (dims,) vector."""
        with timed(self.bundle.ref.role):
            return self._model_for(text).run(text)

    def _load_frozen_head(self) -> LinearHead | None:
        """Return the regression on an encoder's vectors that a classifier may bring."""
        if FROZEN_HEAD not in self.bundle.files:
            return None
        try:
            return LinearHead.from_bytes((self.bundle.folder / FROZEN_HEAD).read_bytes())
        except (OSError, ValueError) as error:
            raise refuse(self._about, f"{FROZEN_HEAD} cannot be used ({error}).") from error

    def knows_words(self, text: str) -> bool:
        """Return whether the model knows a word of the text."""
        return self._model_for(text).tokenizer.knows_words(text)

    def _check_golden(self) -> None:
        """Refuse the bundle unless its golden texts give the recorded ids and outputs."""
        golden = self.bundle.read_json("golden.json")
        try:
            cases, atol = list(golden["cases"]), float(golden["atol"])
            for case in cases:
                self._check_case(case, atol)
        except (KeyError, TypeError, ValueError) as error:
            raise refuse(self._about, f"golden.json is malformed ({error!r}).") from error
        if len(cases) < 4:
            raise refuse(self._about, "golden.json holds fewer than four texts.")

    def _check_case(self, case: dict[str, Any], atol: float) -> None:
        text, expected = case["text"], np.asarray(case["output"], dtype=np.float32)
        model = self._model_for(text)
        if model.tokenizer.ids(text) != list(case["ids"]):
            raise refuse(self._about, f"golden text {text[:40]!r} is tokenized differently.")
        try:
            output = model.run(text)
        except Exception as error:  # onnxruntime's errors share no public base class
            raise refuse(self._about, f"the model does not run ({str(error)[:200]}).") from error
        if output.shape != (self.bundle.settings["dims"],) or output.shape != expected.shape:
            raise refuse(self._about, f"its output has shape {output.shape}.")
        deviation = float(np.max(np.abs(output - expected)))
        if not deviation <= atol:  # also true for NaN
            reason = f"golden text {text[:40]!r} is off by {deviation:.4f} (> {atol})."
            raise refuse(self._about, reason)


def open_session(path: Path, threads: int, about: str) -> Session:
    """Open a CPU session that does not spin between texts and keeps no old buffers."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # with the next line: 27 MB less, no slower
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _has_external_data(path):
        raise refuse(about, f"{path.name} keeps weights in another file.")
    try:  # by path: from bytes, onnxruntime would keep a second copy of them
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        raise refuse(about, f"{path.name} cannot be opened ({str(error)[:200]}).") from error
    return Session(session)


def _has_external_data(path: Path) -> bool:
    """Whether a tensor stores its values in another file, which no digest would cover."""
    if not path.stat().st_size:
        return False  # an empty file cannot be mapped; onnxruntime refuses it
    with path.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(EXTERNAL_DATA) >= 0
