"""Reviews to feature files; with a tiny encoder of random weights where torch and transformers are installed."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from analysis.__main__ import main
from analysis.errors import AnalysisError
from analysis.featurize import Options, featurize, load_encoder, read_reviews

REVIEWS = {
    "train/pos/10_8.txt": "good good film",
    "train/neg/7_1.txt": "bad",
    "train/pos/2_10.txt": "fine<br /><br />film",
    "train/neg/0_3.txt": "dull, dull",
    "train/pos/9_7.txt": "great plot",
    "test/neg/5_2.txt": "bad bad",
    "test/pos/1_9.txt": "",
}
TRAIN = ["dull, dull", "fine  film", "bad", "great plot", "good good film"]


def archive(path: Path, reviews: dict[str, str], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:
        for name, text in reviews.items():
            entry = tarfile.TarInfo("aclImdb/" + name)
            entry.size = len(text.encode())
            file.addfile(entry, io.BytesIO(text.encode()))
    return path


def lengths(texts):
    return np.array([[len(text), text.count("d")] for text in texts], dtype=np.float64)


def test_reviews_come_in_the_order_of_the_built_in_reader(tmp_path):
    others = {"README": "about", "train/unsup/0_0.txt": "no label"}
    parts = read_reviews(archive(tmp_path / "a.tar.gz", REVIEWS | others))

    assert parts["train"].texts == TRAIN
    assert parts["train"].labels.tolist() == [0, 1, 0, 1, 1]
    assert parts["test"].labels.tolist() == [0, 1]
    for name, text in REVIEWS.items():
        (tmp_path / "aclImdb" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "aclImdb" / name).write_text(text)
    for folder in (tmp_path, tmp_path / "aclImdb"):
        assert read_reviews(folder)["train"].texts == TRAIN


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"train/neg/7_2.txt": "bad"}, "number 7 more than once"),
        ({"train/neg/8_11.txt": "bad"}, "must be named"),
        ({"train/neg/eight.txt": "bad"}, "must be named"),
        ({"train/neg/8_1.txt": "a" * (2 << 20)}, "at most 1048576 bytes"),
    ],
)
def test_reviews_that_do_not_fit_are_refused(tmp_path, more, reason):
    with pytest.raises(AnalysisError, match=reason):
        read_reviews(archive(tmp_path / "a.tar", REVIEWS | more, "w"))


def test_damaged_and_empty_archives_are_refused(tmp_path):
    whole = archive(tmp_path / "a.tar.gz", REVIEWS).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text").write_text("no archive")
    for name in ("cut.tar.gz", "text"):
        with pytest.raises(AnalysisError, match="no whole tar archive"):
            read_reviews(tmp_path / name)
    with pytest.raises(AnalysisError, match="no review in test/pos"):
        read_reviews(archive(tmp_path / "b.tar", {k: v for k, v in REVIEWS.items() if "test/pos" not in k}, "w"))


def test_the_file_holds_each_vector_beside_its_label_whatever_the_batch(tmp_path):
    source = archive(tmp_path / "a.tar.gz", REVIEWS)
    for batch in (1, 2, 100):
        path = featurize(source, tmp_path / "features.h5", Options(batch=batch), lengths)

        with h5py.File(path) as file:
            assert set(file) == {"x_train", "y_train", "x_test", "y_test"}
            assert file["x_train"].dtype == np.float32
            assert file["x_train"][()].tolist() == lengths(TRAIN).tolist()
            assert file["y_train"][()].tolist() == [0, 1, 0, 1, 1]
            assert file["x_test"].shape == (2, 2)
            assert file.attrs["pooling"] == b"mean"
    assert not list(tmp_path.glob("*.partial"))


def test_vectors_that_are_not_finite_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(AnalysisError, match="NaN or infinity"):
        source = archive(tmp_path / "a.tar", REVIEWS, "w")
        featurize(source, tmp_path / "f.h5", Options(), lambda texts: lengths(texts) * np.nan)
    assert not (tmp_path / "f.h5").exists()


def test_a_missing_library_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setitem(sys.modules, "torch", sys)

    assert main(["featurize", str(archive(tmp_path / "a.tar", REVIEWS, "w"))]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "featurize needs transformers" in said
    assert "pip install torch transformers" in said


def test_featurize_loads_no_library_of_the_other_commands():
    code = "import sys, analysis.__main__; sys.exit('pandas' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory):
    """A DistilBERT of 8 columns and random weights, with a tokenizer of a dozen words, saved as models are."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"bad dull fine film good great plot".split()]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = transformers.DistilBertConfig(
        vocab_size=len(words), dim=8, hidden_dim=16, n_layers=2, n_heads=2, max_position_embeddings=16
    )
    folder = tmp_path_factory.mktemp("encoder")
    transformers.DistilBertModel(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return folder


def test_a_folder_with_an_encoder_needs_no_network(tmp_path, tiny_encoder, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    source = archive(tmp_path / "a.tar.gz", REVIEWS)

    arguments = ["featurize", str(source), "-o", str(tmp_path / "f.h5"), "--model", str(tiny_encoder), "--batch", "2"]
    assert main(arguments) == 0

    with h5py.File(tmp_path / "f.h5") as file:
        vectors = file["x_train"][()]
    assert vectors.shape == (5, 8)
    alone = load_encoder(Options(model=str(tiny_encoder)))(["bad"])
    assert np.allclose(vectors[2], alone[0], atol=1e-6)
    assert not np.allclose(vectors[2], vectors[3], atol=1e-3)


def test_padding_does_not_reach_the_mean_and_first_is_the_first_token(tiny_encoder):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    texts = ["bad", "good good film"]
    model = transformers.AutoModel.from_pretrained(tiny_encoder).eval()
    ids = torch.tensor([[2, 4, 3]])
    with torch.no_grad():
        hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0].numpy()

    for pooling, expected in (("mean", hidden.mean(0)), ("first", hidden[0])):
        vectors = load_encoder(Options(model=str(tiny_encoder), pooling=pooling))(texts)
        assert np.allclose(vectors[0], expected, atol=1e-6)
    with pytest.raises(AnalysisError, match="has no pooler"):
        load_encoder(Options(model=str(tiny_encoder), pooling="pooler"))(texts)


def test_a_folder_without_an_encoder_is_one_line(tmp_path, tiny_encoder, capsys):
    source = archive(tmp_path / "a.tar.gz", REVIEWS)
    assert main(["featurize", str(source), "--model", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be loaded" in said
