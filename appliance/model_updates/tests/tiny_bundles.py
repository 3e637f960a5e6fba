"""Complete bundles of a few kilobytes: a bag of words, encoded as ONNX by hand."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from appliance.inference.bundle import ENGLISH_MODEL, ENGLISH_TOKENIZER, REQUIRED_FILES

WORDS = {
    "access": ["password", "login", "locked", "account"],
    "network": ["vpn", "wifi", "router", "offline"],
    "hardware": ["printer", "screen", "laptop", "toner"],
    "negative": ["angry", "awful", "hate", "worst", "disappointed", "unacceptable", "frustrated"],
    "positive": [
        "great",
        "love",
        "thanks",
        "happy",
        "excellent",
        "wonderful",
        "brilliant",
        "perfect",
        "best",
    ],
}
VOCABULARY = ["[UNK]", *sorted({word for words in WORDS.values() for word in words})]
CATEGORIES, SENTIMENTS = ["access", "network", "hardware"], ["negative", "neutral", "positive"]
TEXTS = ["my password", "the vpn is offline", "a printer", "thanks great", "angry", "nothing"]
CALIBRATION = {
    "classifier": {
        "head_temperature": 0.2,
        "similarity_tau": 0.05,
        "mixture": {"head": 1.0, "similarity": 0.1},
        "threshold": 0.5,
    },
    "sentiment": {"temperature": 0.2},
    "encoder": {},
}


def varint(value: int) -> bytes:
    encoded = bytearray()
    while True:
        encoded.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(encoded)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name: str, values: np.ndarray, *, extra: bytes = b"") -> bytes:
    kind = {"float32": 1, "int64": 7}[str(values.dtype)]
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, kind) + message(8, name) + message(9, values.tobytes()) + extra


def node(op: str, inputs: list[str], outputs: list[str], *attributes: bytes, domain="") -> bytes:
    parts = [message(1, name) for name in inputs] + [message(2, name) for name in outputs]
    parts += [message(4, op), *(message(5, item) for item in attributes)]
    return b"".join(parts) + (message(7, domain) if domain else b"")


def attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return message(1, name) + number(3, value) + number(20, 2)
    return message(1, name) + b"".join(number(8, item) for item in value) + number(20, 7)


def value_info(name: str, kind: int, *dims: int | str) -> bytes:
    shape = b"".join(
        message(1, number(1, dim) if isinstance(dim, int) else message(2, dim)) for dim in dims
    )
    return message(1, name) + message(2, message(1, number(1, kind) + message(2, shape)))


def model(
    nodes: list[bytes],
    tensors: list[bytes],
    outputs: int,
    *,
    opset: int = 17,
    domains: tuple[str, ...] = (),
) -> bytes:
    graph = b"".join(message(1, item) for item in nodes) + message(2, "g")
    graph += b"".join(message(5, item) for item in tensors)
    graph += message(11, value_info("input_ids", 7, 1, "n"))
    graph += message(12, value_info("out", 1, 1, outputs))
    opsets = message(8, message(1, "") + number(2, opset))
    opsets += b"".join(message(8, message(1, name) + number(2, 1)) for name in domains)
    return number(1, 8) + message(7, graph) + opsets


def bag_of_words(weights: np.ndarray) -> bytes:
    """ids → the mean of the words' rows; weights: float32 (words, outputs)."""
    nodes = [
        node("Gather", ["W", "input_ids"], ["rows"], attribute("axis", 0)),
        node("ReduceMean", ["rows"], ["out"], attribute("axes", [1]), attribute("keepdims", 0)),
    ]
    return model(nodes, [tensor("W", weights.astype(np.float32))], weights.shape[1])


def weights_for(role: str, *, seed: int = 1) -> np.ndarray:
    """One column per label, 1 for its words; for an encoder one direction per topic, and noise."""
    noise = np.random.default_rng(seed)
    if role == "encoder":
        topics = {name: noise.normal(size=384) for name in WORDS}
        rows = [
            sum((topics[topic] for topic, words in WORDS.items() if word in words), np.zeros(384))
            + 0.3 * noise.normal(size=384)
            for word in VOCABULARY
        ]
        return np.array(rows, dtype=np.float32)
    labels = CATEGORIES if role == "classifier" else SENTIMENTS
    rows = [[float(word in WORDS.get(label, [])) for label in labels] for word in VOCABULARY]
    weights = np.array(rows, dtype=np.float32)
    if role == "sentiment":
        weights[:, 1] = 0.01
    return weights


def write_bundle(
    models_dir: Path,
    role: str,
    version: str,
    *,
    weights: np.ndarray | None = None,
    onnx: bytes | None = None,
    vocabulary: list[str] | None = None,
    labels: list | None = None,
    golden: bool = True,
    **settings: object,
) -> Path:
    """Write a valid bundle, except for the given settings. Its folder."""
    folder = models_dir / role / version
    folder.mkdir(parents=True)
    weights = weights_for(role) if weights is None else weights
    words = vocabulary or VOCABULARY
    tokenizer = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "model.onnx").write_bytes(onnx or bag_of_words(weights))
    names = labels or {"classifier": CATEGORIES, "sentiment": SENTIMENTS, "encoder": []}[role]
    (folder / "labels.json").write_text(json.dumps(names))
    outputs = _outputs(folder) if golden and onnx is None else [[0.0]] * len(TEXTS)
    cases = [
        {"text": text, "ids": tokenizer.encode(text).ids, "output": output}
        for text, output in zip(TEXTS, outputs, strict=True)
    ]
    (folder / "golden.json").write_text(json.dumps({"atol": 1e-3, "cases": cases}))
    description = {
        "format": 1,
        "role": role,
        "name": role,
        "version": version,
        "max_tokens": 64,
        "dims": weights.shape[1],
        "labels": names,
        "calibration": CALIBRATION[role],
        **({"space": f"{role}/{version}"} if role == "encoder" else {}),
        **settings,
    }
    write_digests(folder, description)
    return folder


def _outputs(folder: Path) -> list[list[float]]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    session = ort.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    return [
        session.run(None, {"input_ids": np.array([tokenizer.encode(text).ids])})[0][0].tolist()
        for text in TEXTS
    ]


def write_digests(folder: Path, description: dict | None = None) -> None:
    """Write the digests of the files as they are now into bundle.json."""
    path = folder / "bundle.json"
    description = description or json.loads(path.read_text())
    names = {*REQUIRED_FILES, ENGLISH_MODEL, ENGLISH_TOKENIZER}
    description["files"] = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name in names
    }
    path.write_text(json.dumps(description))


def write_models(models_dir: Path) -> Path:
    """Write the models folder of a release: a bundle per role, and active.json."""
    roles = ("classifier", "sentiment", "encoder")
    for role in roles:
        write_bundle(models_dir, role, "1")
    (models_dir / "active.json").write_text(json.dumps({role: f"{role}/1" for role in roles}))
    return models_dir
