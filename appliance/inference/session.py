"""One verified bundle, loaded: tokenizer and onnxruntime session, one text at a time."""

from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
import onnxruntime as ort

from appliance.inference.bundle import Bundle, refuse, verify_files
from appliance.inference.timing import timed
from appliance.inference.tokens import TokenReader

# How a tensor kept in another file spells it in protobuf: an entry with the key "location".
EXTERNAL_DATA = b"\x0a\x08location\x12"


class Session:
    """An onnxruntime session that takes one text's token ids."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._inputs = [item.name for item in session.get_inputs()]

    def run(self, ids: list[int]) -> np.ndarray:
        """float32 (labels,) logits or (dims,) vector.

        Never in a batch: dynamic int8 scales over all rows, so company would change the values.
        """
        row = np.array([ids], dtype=np.int64)
        known = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        return self._session.run(None, {name: known[name] for name in self._inputs})[0][0]


class Reader:
    """Runs one bundle. Safe to call from many threads: nothing here changes after loading."""

    def __init__(self, bundle: Bundle, threads: int) -> None:
        """Load and check: digests, then size of the output, then golden outputs.

        Raises BundleRefusedError naming the bundle and the reason.
        """
        self.bundle = bundle
        self._about = f"{bundle.ref.name}/{bundle.ref.version}"
        verify_files(bundle)
        try:
            self._tokens = TokenReader(bundle.folder / "tokenizer.json", bundle.max_tokens)
        except Exception as error:  # tokenizers raises plain Exception
            raise refuse(self._about, f"tokenizer.json cannot be used ({error}).") from error
        self._session = open_session(bundle.folder / "model.onnx", threads, self._about)
        self._check_golden()

    def run(self, text: str) -> np.ndarray:
        """The model's output for one text: float32, (labels,) logits or (dims,) unit vector."""
        with timed(self.bundle.ref.role):
            return self._read(text)

    def _read(self, text: str) -> np.ndarray:
        return self._session.run(self._tokens.ids(text))

    def _check_golden(self) -> None:
        """Our own texts must give the recorded token ids and outputs."""
        golden = self.bundle.read_json("golden.json")
        try:
            cases, atol = list(golden["cases"]), float(golden["atol"])
            for case in cases:
                self._check_case(case, atol)
        except (KeyError, TypeError, ValueError) as error:
            raise refuse(self._about, f"golden.json is malformed ({error!r}).") from error
        if len(cases) < 4:
            raise refuse(self._about, "golden.json holds fewer than four texts.")

    def _check_case(self, case: dict, atol: float) -> None:
        text, expected = case["text"], np.asarray(case["output"], dtype=np.float32)
        if self._tokens.ids(text) != list(case["ids"]):
            raise refuse(self._about, f"golden text {text[:40]!r} is tokenized differently.")
        try:
            rows = self._read(text)
        except Exception as error:  # onnxruntime's errors share no public base class
            raise refuse(self._about, f"the model does not run ({str(error)[:200]}).") from error
        if rows.shape != (self.bundle.settings["dims"],) or rows.shape != expected.shape:
            raise refuse(self._about, f"its output has shape {rows.shape}.")
        off = float(np.max(np.abs(rows - expected)))
        if not off <= atol:  # also true for NaN
            raise refuse(self._about, f"golden text {text[:40]!r} is off by {off:.4f} (> {atol}).")


def open_session(path: Path, threads: int, about: str) -> Session:
    """A CPU session that sleeps between texts and keeps no old buffers."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # with the next line: 27 MB less, no slower
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _mentions_other_files(path):
        raise refuse(about, "model.onnx keeps weights in another file.")
    try:  # by path: from bytes, onnxruntime would keep a second copy of them
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        raise refuse(about, f"model.onnx cannot be opened ({str(error)[:200]}).") from error
    return Session(session)


def _mentions_other_files(path: Path) -> bool:
    """Whether a tensor says that its values lie elsewhere: no digest would cover them."""
    if not path.stat().st_size:
        return False  # an empty file cannot be mapped; onnxruntime will say what it thinks of it
    with path.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(EXTERNAL_DATA) >= 0
