"""Any local Hugging Face directory can take each place: tiny random models go the whole way.

Needs the extra ``models`` (torch, transformers, optimum); skipped without it. In an environment
that has no Django, run it alone: ``PYTHONPATH=. python -m pytest -c /dev/null --rootdir .
--confcutdir appliance/inference/tests --import-mode=importlib`` and this file.
"""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from appliance.inference.bundle import describe
from appliance.inference.session import LoadedBundle
from appliance.inference.tests.samples import SHIPPED

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("optimum.exporters.onnx", reason="the extra 'models' is not installed")
transformers = pytest.importorskip("transformers")

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts" / "models"
SIZES = {"vocab_size": 60_000, "max_position_embeddings": 64}
TOKENIZER = next(SHIPPED.glob("encoder*/*/tokenizer.json"))


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """The scripts import each other by name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    torch.manual_seed(3)


@pytest.fixture
def bert(tmp_path) -> Path:
    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, **SIZES
    )
    return _saved(transformers.BertModel(config, add_pooling_layer=False), tmp_path / "tiny-bert")


@pytest.fixture
def distilbert(tmp_path) -> Path:
    config = transformers.DistilBertConfig(dim=32, n_layers=2, n_heads=4, hidden_dim=64, **SIZES)
    model = transformers.DistilBertForSequenceClassification(config)
    return _saved(model, tmp_path / "tiny-distilbert")


def test_a_bert_becomes_a_classifier(bert, tmp_path):
    from train_classifier import Classifier
    from weights import load_trunk

    model = Classifier(load_trunk(bert)[0], 4).eval()

    bundle = _bundle(tmp_path, "classifier", model, model.trunk, ["a", "b", "c", "d"], model.head)

    assert bundle.run("the printer is out of paper").shape == (4,)


def test_a_distilbert_becomes_a_sentiment_model(distilbert, tmp_path):
    from weights import SENTIMENTS, load_distilbert

    model = load_distilbert(distilbert)[0]

    bundle = _bundle(tmp_path, "sentiment", _Logits(model), model, list(SENTIMENTS))

    assert bundle.run("thank you").shape == (3,)


def test_a_bert_is_converted_to_a_distilbert_with_the_same_hidden_states(bert):
    from weights import load_distilbert, load_trunk

    ids = torch.tensor([[101, 2000, 3000, 102]])
    mask = torch.ones_like(ids)
    with torch.no_grad():
        old = load_trunk(bert)[0](ids, attention_mask=mask).last_hidden_state
        new = load_distilbert(bert)[0].distilbert(ids, attention_mask=mask).last_hidden_state

    assert torch.allclose(old, new, atol=1e-5)


def test_a_bert_becomes_an_encoder(bert, tmp_path):
    from weights import Encoder, load_trunk

    trunk = load_trunk(bert)[0]

    bundle = _bundle(tmp_path, "encoder", Encoder(trunk), trunk, [])

    assert np.linalg.norm(bundle.run("where is room 12?")) == pytest.approx(1, abs=1e-3)


def test_words_of_four_bits_are_stored_without_loss(bert, tmp_path):
    import onnx
    from e5_weights import pack_rows
    from export import export_fp32, quantize
    from weights import ProjectedEncoder, load_trunk

    trunk = load_trunk(bert)[0]
    words = trunk.embeddings.word_embeddings.weight
    halves = np.random.default_rng(1).integers(-8, 8, words.shape)
    halves[:, 0] = -8  # the peak of its block
    scales = np.random.default_rng(2).uniform(0.01, 0.2, (len(words), 1)).astype(np.float16)
    table = (halves * scales).astype(np.float32)
    with torch.no_grad():
        words.copy_(torch.tensor(table))
    encoder = ProjectedEncoder(trunk).eval()
    fp32, int8 = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    export_fp32(trunk, "feature-extraction", bert / "tokenizer.json", fp32, projection=encoder.map)
    quantize(fp32, int8)

    values, found_scales = pack_rows(table)
    assert "GatherBlockQuantized" in {node.op_type for node in onnx.load(int8).graph.node}
    assert np.abs(values * found_scales - table).max() < 1e-6
    assert int8.stat().st_size < fp32.stat().st_size / 3


def test_table_that_was_trained_is_not_packed():
    from e5_weights import pack_rows

    with pytest.raises(ValueError, match="no longer in 4 bits"):
        pack_rows(np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32))


def test_upper_layers_on_cached_states_equal_the_full_model(bert):
    from train_classifier import Classifier
    from upper_layers import UpperClassifier, lower_states, predict
    from weights import load_trunk

    trunk = load_trunk(bert)[0]
    upper = UpperClassifier(trunk, 1, 3).eval()
    model = Classifier(trunk, 3).eval()
    model.head.load_state_dict(upper.head.state_dict())
    tokenizer = Tokenizer.from_file(str(bert / "tokenizer.json"))
    texts = ["the printer is out of paper", "where is room 12? it was moved yesterday"]

    cached = predict(upper, lower_states(trunk, 1, texts, tokenizer))

    for text, logits in zip(texts, cached, strict=True):
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            expected = model(ids, torch.ones_like(ids))[0]
        assert torch.allclose(expected, logits, atol=1e-2)


def test_weights_that_lack_a_layer_are_refused(bert):
    from safetensors.torch import load_file, save_file
    from weights import load_trunk

    state = load_file(bert / "model.safetensors")
    incomplete = {name: value for name, value in state.items() if "layer.1" not in name}
    save_file(incomplete, bert / "model.safetensors")

    with pytest.raises(ValueError, match="weights lack"):
        load_trunk(bert)


class _Logits(torch.nn.Module):
    """The logits alone, for the comparison with the export."""

    def __init__(self, model) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        """(rows, tokens) → logits (rows, labels)."""
        return self.model(ids, attention_mask=mask).logits


def _saved(model, folder: Path) -> Path:
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
    return folder


def _bundle(
    tmp_path: Path, role: str, full_model, trunk, labels: list[str], head=None
) -> LoadedBundle:
    """Export, compare with torch on padded input, quantize, write, load and check."""
    from bundles import write_bundle
    from export import check_parity, export_fp32, quantize

    fp32, int8 = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    task = "text-classification" if role == "sentiment" else "feature-extraction"
    export_fp32(trunk, task, TOKENIZER, fp32, head)
    assert check_parity(fp32, full_model) < 1e-4
    quantize(fp32, int8)
    numbers = ("temperature", "head_temperature", "similarity_tau", "threshold")
    settings = {
        "role": role,
        "name": "tiny",
        "version": "1",
        "max_tokens": 64,
        "dims": len(labels) or 32,
        "labels": labels,
        "space": "tiny/1",
        "calibration": {**dict.fromkeys(numbers, 1.0), "mixture": {"head": 1.0}},
    }
    names = {label: label for label in labels}
    folder = tmp_path / "tiny" / "1"
    write_bundle(folder, int8, TOKENIZER, settings, names, 0.05)
    return LoadedBundle(describe(folder, role), threads=1)
