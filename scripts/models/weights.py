"""Load starting weights into transformers architectures: safetensors or ONNX, never pickle.

Three formats: gte-small from its ONNX file, MiniLM-L6 from its safetensors, and any local Hugging
Face directory (``config.json`` and ``model.safetensors``) of a BERT or DistilBERT.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from data import SENTIMENTS, sha256_of
from onnx import numpy_helper
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, BertConfig, BertModel, DistilBertConfig
from transformers import DistilBertForSequenceClassification as DistilBertClassifier


@dataclass(frozen=True)
class Source:
    """The origin of weights, recorded in bundle.json and on the card."""

    name: str
    licence: str
    sha256: str
    tokenizer: Path


class Encoder(nn.Module):
    """The computation of the encoder's ONNX file in torch: the mean of real tokens, unit length."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(rows, tokens) → unit vectors (rows, dims)."""
        hidden = self.trunk(ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        return nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)


class ProjectedEncoder(nn.Module):
    """An encoder with a linear map from the mean of real tokens to another vector space."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.map = nn.Linear(trunk.config.hidden_size, trunk.config.hidden_size)

    def mean(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(rows, tokens) → mean vectors (rows, dims)."""
        hidden = self.trunk(ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        return (hidden * weights).sum(1) / weights.sum(1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(rows, tokens) → unit vectors (rows, dims)."""
        return nn.functional.normalize(self.map(self.mean(ids, mask)), dim=-1)


def load_trunk(folder: Path) -> tuple[BertModel, Source]:
    """Return a BertModel without pooler from a folder of ONNX or safetensors weights."""
    config = BertConfig.from_pretrained(folder, local_files_only=True)
    config._attn_implementation = "eager"  # the only one that exports with a real padding mask
    model = BertModel(config, add_pooling_layer=False)
    exported = folder / "onnx" / "model.onnx"
    path = exported if exported.exists() else folder / "model.safetensors"
    state = _state_from_onnx(path) if exported.exists() else load_file(path)
    _load_strictly(model, _plain_names(state))
    return model.eval(), _source(folder, path)


def load_shipped_encoder(weights: Path, bundle: Path) -> ProjectedEncoder:
    """Return the multilingual encoder of a bundle, its layers dequantized from int8.

    So further models can start from it when its checkpoint is gone. The embeddings, which training
    never changes, are those of ``weights``. Cosines with the bundle's own vectors are above 0.99.
    """
    encoder = ProjectedEncoder(load_trunk(weights)[0])
    path = bundle / "model.onnx"
    state = {k: v for k, v in _state_from_onnx(path).items() if k.startswith("encoder.")}
    unknown = encoder.trunk.load_state_dict(state, strict=False).unexpected_keys
    if unknown:
        raise ValueError(f"{path} has unknown parameters, such as {unknown[0]}")
    values = {
        item.name: numpy_helper.to_array(item)
        for item in onnx.load(path, load_external_data=False).graph.initializer
    }
    with torch.no_grad():
        encoder.map.weight.copy_(torch.tensor(_dequantized(values, "head_weight_quantized").T))
        encoder.map.bias.copy_(torch.tensor(values["head_bias"]))
    return encoder.eval()


def load_distilbert(folder: Path, labels: tuple[str, ...] = SENTIMENTS):
    """Return a DistilBertForSequenceClassification; BERT weights are converted, with a new head."""
    kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
    if kind == "distilbert":
        model = DistilBertClassifier.from_pretrained(
            folder,
            local_files_only=True,
            num_labels=len(labels),
            ignore_mismatched_sizes=True,
            attn_implementation="eager",
        )
        return _named(model, labels).eval(), _source(folder, folder / "model.safetensors")
    bert, source = load_trunk(folder)
    model = empty_distilbert(bert.config, labels)
    _load_strictly(model.distilbert, distilbert_state(bert.state_dict()))
    return model.eval(), source


def empty_distilbert(bert: BertConfig, labels: tuple[str, ...]) -> nn.Module:
    """Return a DistilBertForSequenceClassification of the size of a BERT, with random weights."""
    config = DistilBertConfig(
        dim=bert.hidden_size,
        n_layers=bert.num_hidden_layers,
        n_heads=bert.num_attention_heads,
        hidden_dim=bert.intermediate_size,
        vocab_size=bert.vocab_size,
        num_labels=len(labels),
        max_position_embeddings=bert.max_position_embeddings,
        seq_classif_dropout=0.1,
    )
    config._attn_implementation = "eager"
    return _named(DistilBertClassifier(config), labels)


def distilbert_state(bert: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return BERT weights under the names of DistilBERT.

    DistilBERT has no token types, so the vector of type 0, which every token of a single text has,
    is added to the positions.
    """
    state = {}
    for name, value in bert.items():
        if name == "embeddings.position_embeddings.weight":
            value = value + bert["embeddings.token_type_embeddings.weight"][0]
        if "token_type" in name:
            continue
        for old, new in _DISTIL_NAMES:
            name = name.replace(old, new)
        state[name] = value
    return state


_DISTIL_NAMES = (
    ("encoder.layer.", "transformer.layer."),
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
)


def _named(model: nn.Module, labels: tuple[str, ...]) -> nn.Module:
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {label: number for number, label in enumerate(labels)}
    return model


def _state_from_onnx(path: Path) -> dict[str, torch.Tensor]:
    """Return parameters by name; the weight of a MatMul is named by its node and transposed."""
    graph = onnx.load(path, load_external_data=False).graph
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    state = {k: torch.tensor(v) for k, v in values.items() if re.match("embeddings|encoder", k)}
    for node in graph.node:
        match = re.fullmatch(r"/?encoder/layer\.(\d+)/(.+)/MatMul(_quant)?", node.name)
        if match and node.input[1] in values:
            name = f"encoder.layer.{match[1]}.{match[2].replace('/', '.')}.weight"
            state[name] = torch.tensor(_dequantized(values, node.input[1]).T.copy())
    return state


def _dequantized(values: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return a matrix in fp32, also if it is stored in int8 with a scale per column."""
    stem = name.removesuffix("_quantized")
    if stem == name:
        return values[name]
    zeros, scales = values[f"{stem}_zero_point"], values[f"{stem}_scale"]
    return (values[name].astype(np.float32) - zeros) * scales


def _plain_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix("bert."): value for name, value in state.items()}


def _load_strictly(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Load a state that has every parameter; it may have more (a pooler, position ids)."""
    missing = model.load_state_dict(state, strict=False).missing_keys
    missing = [name for name in missing if not name.endswith(("position_ids", "token_type_ids"))]
    if missing:
        raise ValueError(f"weights lack {missing[:3]} and {max(len(missing) - 3, 0)} more")


def _source(folder: Path, path: Path) -> Source:
    """Return the origin from ``source.json`` (written by fetch_weights), or the folder name."""
    note = folder / "source.json"
    source_note = json.loads(note.read_text()) if note.exists() else {}
    return Source(
        source_note.get("name", folder.name),
        source_note.get("licence", "see the folder's own licence"),
        sha256_of(path),
        folder / "tokenizer.json",
    )
