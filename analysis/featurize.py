"""`python -m analysis featurize`: reviews to pooled vectors of a transformers encoder, for data.dataset = hdf5.

The reviews are the labelled ones of the Large Movie Review Dataset (Maas et al. 2011), in the order that data.dataset =
imdb gives them: in each part negative and positive ones in turn, each by the number of its file. Needs torch and
transformers, which no other command of this package does. The encoder is used as it is: nothing is fitted here.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np

from .errors import AnalysisError

DEFAULT_MODEL = "distilbert-base-uncased"
POOLINGS = ("mean", "first", "pooler")
MAX_REVIEW_BYTES = 1 << 20
_PLACE = re.compile(r"(train|test)/(neg|pos)/([^/.][^/]*)")
_NAME = re.compile(r"(\d{1,9})_(?:[1-9]|10)\.txt")
_LABELS = {"neg": 0, "pos": 1}

#: Texts to a float array [texts, columns].
Encoder = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Part:
    """The reviews of one part of the data set."""

    texts: list[str]
    labels: np.ndarray  # 0 negative, 1 positive


@dataclass(frozen=True)
class Options:
    """How reviews become vectors."""

    model: str = DEFAULT_MODEL
    pooling: str = "mean"
    max_tokens: int = 512
    batch: int = 32
    device: str = "auto"


def read_reviews(source: str | Path) -> dict[str, Part]:
    """The parts "train" and "test" of an aclImdb folder (or the one above it) or its tar archive."""
    source = Path(source)
    found: dict[tuple[str, str], dict[int, str]] = {}
    for place, content in _files(source):
        part, label, name = place.groups()
        if (number := _NAME.fullmatch(name)) is None:
            raise AnalysisError(f"{source}: '{place.group()}' must be named NUMBER_RATING.txt, such as 123_8.txt")
        texts = found.setdefault((part, label), {})
        if int(number[1]) in texts:
            raise AnalysisError(f"{source}: {part}/{label} holds number {int(number[1])} more than once")
        texts[int(number[1])] = content.decode("utf-8", errors="replace").replace("<br />", " ")
    return {part: _in_turn(source, part, found) for part in ("train", "test")}


def _in_turn(source: Path, part: str, found: dict[tuple[str, str], dict[int, str]]) -> Part:
    columns = []
    for label, value in _LABELS.items():
        texts = found.get((part, label))
        if not texts:
            raise AnalysisError(f"{source}: no review in {part}/{label}; give the aclImdb folder or its tar.gz")
        columns.append([(texts[number], value) for number in sorted(texts)])
    rows = [row for pair in itertools.zip_longest(*columns) for row in pair if row is not None]
    return Part([text for text, _ in rows], np.array([label for _, label in rows], dtype=np.uint8))


def _files(source: Path) -> Iterator[tuple[re.Match[str], bytes]]:
    return _files_of_folder(source) if source.is_dir() else _files_of_archive(source)


def _files_of_folder(source: Path) -> Iterator[tuple[re.Match[str], bytes]]:
    root = source / "aclImdb" if not (source / "train").exists() and (source / "aclImdb").exists() else source
    for part, label in itertools.product(("train", "test"), _LABELS):
        folder = root / part / label
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if place := _PLACE.fullmatch(f"{part}/{label}/{path.name}"):
                if not path.is_file() or path.stat().st_size > MAX_REVIEW_BYTES:
                    raise AnalysisError(f"{path}: must be a file of at most {MAX_REVIEW_BYTES} bytes")
                yield place, path.read_bytes()


def _files_of_archive(source: Path) -> Iterator[tuple[re.Match[str], bytes]]:
    try:
        with tarfile.open(source) as archive:
            for entry in archive:
                parts = [part for part in PurePosixPath(entry.name).parts if part != "."]
                place = _PLACE.fullmatch("/".join(parts[1:] if parts[:1] == ["aclImdb"] else parts))
                if place is None:
                    continue
                content = archive.extractfile(entry) if entry.isreg() and entry.size <= MAX_REVIEW_BYTES else None
                if content is None:
                    raise AnalysisError(f"{source}: '{entry.name}' must be a file of at most {MAX_REVIEW_BYTES} bytes")
                yield place, content.read()
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise AnalysisError(f"{source}: is no whole tar archive ({error}); fetch it again") from error


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise AnalysisError(
            f"featurize needs {name}, which this Python cannot import ({error}); pip install torch transformers"
        ) from error


def load_encoder(options: Options) -> Encoder:
    """An encoder of the transformers library by name or, without a network, from the folder that holds it.

    Vectors of its last hidden layer, pooled: `mean` over the tokens of the text, `first` that of the first token
    ([CLS]), `pooler` what the model itself pools. Weights are read as safetensors only, and no code of the model's.
    """
    torch, transformers = _library("torch"), _library("transformers")
    is_folder = Path(options.model).is_dir()
    name = options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(options.model, local_files_only=is_folder)
        model = transformers.AutoModel.from_pretrained(options.model, local_files_only=is_folder, use_safetensors=True)
        model = model.eval().to(name)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise AnalysisError(
            f"--model {options.model}: cannot be loaded ({reason}); give a folder with config.json, model.safetensors "
            "and the tokenizer's files, or a model's name where there is a network"
        ) from error
    if tokenizer.pad_token is None:
        raise AnalysisError(f"--model {options.model}: its tokenizer has no padding token; take one such as BERT")
    limit = min(options.max_tokens, getattr(model.config, "max_position_embeddings", options.max_tokens))

    def encode(texts: Sequence[str]) -> np.ndarray:
        tokens = tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=limit,
            return_tensors="pt",
            return_token_type_ids=False,
        ).to(name)
        with torch.inference_mode():
            output = model(**tokens)
            if options.pooling == "pooler":
                if getattr(output, "pooler_output", None) is None:
                    raise AnalysisError(f"--pooling pooler: {options.model} has no pooler; take mean or first")
                vectors = output.pooler_output
            elif options.pooling == "first":
                vectors = output.last_hidden_state[:, 0]
            else:
                mask = tokens["attention_mask"].unsqueeze(-1).to(output.last_hidden_state.dtype)
                vectors = (output.last_hidden_state * mask).sum(1) / mask.sum(1)
        return vectors.float().cpu().numpy()

    return encode


def encode_part(part: Part, encode: Encoder, batch: int, progress: Callable[[int], None]) -> np.ndarray:
    """float32 [reviews, columns] in the order of the part; long and short texts do not share a batch."""
    by_length = sorted(range(len(part.texts)), key=lambda row: len(part.texts[row]))
    vectors: np.ndarray | None = None
    for begin in range(0, len(by_length), batch):
        rows = by_length[begin : begin + batch]
        values = encode([part.texts[row] for row in rows])
        if vectors is None:
            vectors = np.empty((len(part.texts), values.shape[1]), dtype=np.float32)
        vectors[rows] = values
        progress(len(rows))
    assert vectors is not None
    if not np.isfinite(vectors).all():
        raise AnalysisError("the encoder's vectors hold NaN or infinity; take another --model")
    return vectors


def write(path: Path, vectors: dict[str, np.ndarray], labels: dict[str, np.ndarray], options: Options) -> None:
    """The file that data.dataset = hdf5 reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with h5py.File(partial, "w") as file:
        for part in ("train", "test"):
            file.create_dataset(f"x_{part}", data=vectors[part], dtype=np.float32)
            file.create_dataset(f"y_{part}", data=labels[part], dtype=np.uint8)
        for name in ("model", "pooling", "max_tokens"):
            file.attrs[name] = np.bytes_(str(getattr(options, name)).encode())
    partial.replace(path)


def featurize(source: str | Path, output: str | Path, options: Options, encode: Encoder | None = None) -> Path:
    """Reads the reviews, encodes them and writes the file; returns its path."""
    encode = encode or load_encoder(options)
    parts = read_reviews(source)
    total = sum(len(part.texts) for part in parts.values())
    done = 0

    def progress(rows: int) -> None:
        nonlocal done
        if (done + rows) // 1000 > done // 1000:
            print(f"featurize: {done + rows} of {total} reviews", file=sys.stderr)
        done += rows

    vectors = {name: encode_part(part, encode, options.batch, progress) for name, part in parts.items()}
    write(Path(output), vectors, {name: part.labels for name, part in parts.items()}, options)
    return Path(output)
