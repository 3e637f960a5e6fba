"""Export a trained model to int8 ONNX: optimum exports, this module adds pooling and head."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import onnx
import onnxruntime as ort
import torch
from e5_weights import BLOCK, pack_rows
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from optimum.exporters.onnx import main_export
from torch import nn

OPSET = 17


def export_fp32(
    model: nn.Module,
    task: str,
    tokenizer: Path,
    path: Path,
    head: nn.Linear | None = None,
    projection: nn.Linear | None = None,
) -> None:
    """Export a transformers model; for "feature-extraction" add mean pooling and the head.

    The output is logits with a head, otherwise a mean vector of unit length, after the linear map
    ``projection`` if there is one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, "torch"), Path(scratch, "onnx")
        model.float().eval().save_pretrained(source)
        (source / "tokenizer.json").write_bytes(tokenizer.read_bytes())
        main_export(
            str(source),
            target,
            task=task,
            opset=OPSET,
            do_validation=False,
            local_files_only=True,
            framework="pt",
        )
        exported = onnx.load(target / "model.onnx")
    if task == "feature-extraction":
        _add_pooling(exported, head, projection)
    onnx.checker.check_model(exported)
    onnx.save(exported, path)


def _add_pooling(
    model: onnx.ModelProto, head: nn.Linear | None, projection: nn.Linear | None
) -> None:
    """Append the mean over unmasked tokens, then the head, or the map and the unit length."""
    graph = model.graph
    weights = {"pool_axis": np.array([1], np.int64), "pool_last": np.array([-1], np.int64)}
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["pool_mask2"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["pool_mask2", "pool_last"], ["pool_mask"]),
        helper.make_node("Mul", [graph.output[0].name, "pool_mask"], ["pool_kept"]),
        helper.make_node("ReduceSum", ["pool_kept", "pool_axis"], ["pool_sum"], keepdims=0),
        helper.make_node("ReduceSum", ["pool_mask", "pool_axis"], ["pool_count"], keepdims=0),
        helper.make_node("Div", ["pool_sum", "pool_count"], ["pool_mean"]),
    ]
    linear = head or projection
    if linear:
        weights["head_weight"] = linear.weight.detach().numpy().T.copy()
        weights["head_bias"] = linear.bias.detach().numpy()
        output = "logits" if head else "pool_mapped"
        nodes.append(helper.make_node("Gemm", ["pool_mean", "head_weight", "head_bias"], [output]))
    if head:
        name, width = "logits", head.out_features
    else:
        name, width = "embedding", graph.output[0].type.tensor_type.shape.dim[2].dim_value
        mean = "pool_mapped" if projection else "pool_mean"
        nodes.append(helper.make_node("LpNormalization", [mean], [name], axis=-1, p=2))
    graph.node.extend(nodes)
    graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in weights.items()
    )
    del graph.output[:]
    graph.output.append(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch_size", width])
    )


def check_parity(path: Path, reference: nn.Module, max_difference: float = 2e-4) -> float:
    """Return the largest difference to torch on two texts, one of them padded.

    Raise ValueError when it exceeds ``max_difference``.
    """
    rng = np.random.default_rng(5)
    ids = rng.integers(1000, 20000, (2, 40))
    ids[:, 0], ids[0, -1], ids[1, 11], ids[1, 12:] = 101, 102, 102, 0
    mask = (ids != 0).astype(np.int64)
    with torch.no_grad():
        expected = reference(torch.tensor(ids), torch.tensor(mask)).numpy()
    difference = float(np.abs(run_fp32(path, ids, mask) - expected).max())
    if difference > max_difference:
        raise ValueError(f"{path.name} differs from torch by {difference} on padded input")
    return difference


def run_fp32(path: Path, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the output of an exported file on the CPU."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return session.run(None, {i.name: known[i.name] for i in session.get_inputs()})[0]


def quantize(fp32: Path, int8: Path) -> None:
    """Quantize to dynamic int8: signed weights, one scale per channel; the small heads stay fp32.

    These are the ``avx512_vnni`` settings of optimum, but with weights of seven bits: a processor
    without VNNI adds two products in 16 bits, which eight bits can overflow. With seven bits every
    machine gives the same results, and no held-out check changed by more than its noise.

    A word table whose values came from four bits is stored in four bits, without any loss.
    """
    words = _word_table(onnx.load(fp32).graph)
    packed = _packed(words[1]) if words else None
    quantize_dynamic(
        fp32,
        int8,
        per_channel=True,
        weight_type=QuantType.QInt8,
        reduce_range=True,
        nodes_to_exclude=[words[0].name] if words and packed else [],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    if packed:
        _store_in_4_bits(int8, *packed)


def _word_table(graph: onnx.GraphProto) -> tuple[onnx.NodeProto, np.ndarray] | None:
    """Return the node that looks words up and its table."""
    values = {item.name: item for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Gather" and "word_embeddings" in node.input[0]:
            return node, numpy_helper.to_array(values[node.input[0]])
    return None


def _packed(table: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        return pack_rows(table)
    except ValueError:  # it never was in four bits, or training changed it
        return None


def _store_in_4_bits(path: Path, values: np.ndarray, scales: np.ndarray) -> None:
    """Replace the word table by ONNX Runtime's block-quantized lookup, which it gives exactly."""
    model = onnx.load(path)
    graph = model.graph
    node, _ = _word_table(graph)
    halves = (values.astype(np.uint8) & 15).reshape(-1, 2)
    table = helper.make_tensor(
        "words_int4",
        TensorProto.INT4,
        values.shape,
        (halves[:, 0] | halves[:, 1] << 4).tobytes(),
        raw=True,
    )
    lookup = helper.make_node(
        "GatherBlockQuantized",
        ["words_int4", node.input[1], "words_scales"],
        list(node.output),
        name=node.name,
        domain="com.microsoft",
        gather_axis=0,
        quantize_axis=1,
        block_size=BLOCK,
    )
    old = node.input[0]
    at = list(graph.node).index(node)
    graph.node.remove(node)
    graph.node.insert(at, lookup)
    initializers = [item for item in graph.initializer if item.name != old]
    del graph.initializer[:]
    graph.initializer.extend(
        [*initializers, table, numpy_helper.from_array(scales, "words_scales")]
    )
    if not any(item.domain == "com.microsoft" for item in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, path)
