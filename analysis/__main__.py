"""python -m analysis report|compare|export|paper|featurize"""

from __future__ import annotations

import argparse
import dataclasses
import sys

from .errors import AnalysisError
from .export import FORMATS
from .featurize import POOLINGS, Options, featurize


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis", description="Figures, tables and statistics of studies."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="an HTML page with figures (SVG, PNG) and tables (CSV, LaTeX)")
    report.add_argument(
        "files", nargs="+", metavar="FILE", help="results.h5, or a study's folder; several are read as one study"
    )
    report.add_argument("-o", "--output", default="report", metavar="DIR", help="folder to write to (default: report)")
    compare = commands.add_parser("compare", help="two studies side by side, paired over cells and seeds")
    compare.add_argument("files", nargs=2, metavar="FILE")
    compare.add_argument(
        "-o", "--output", default="compare", metavar="DIR", help="folder to write to (default: compare)"
    )
    export = commands.add_parser("export", help="every table as a file")
    export.add_argument("files", nargs="+", metavar="FILE")
    export.add_argument("--format", required=True, choices=FORMATS)
    export.add_argument("-o", "--output", default="export", metavar="DIR", help="folder to write to (default: export)")
    paper = commands.add_parser("paper", help="a Markdown page on the paper's experiments, from jobs/paper.sh's results")
    paper.add_argument("results", metavar="FOLDER", help="holds a results folder a study, by its config's name")
    paper.add_argument(
        "-o", "--output", default="analysis/paper", metavar="DIR", help="folder to write to (default: analysis/paper)"
    )
    features = commands.add_parser(
        "featurize", help="reviews (aclImdb) to pooled vectors of a transformers encoder, for data.dataset = hdf5"
    )
    features.add_argument("source", metavar="FOLDER|TAR", help="the aclImdb folder or its tar.gz")
    features.add_argument(
        "-o", "--output", default="features.h5", metavar="FILE", help="HDF5 file to write (default: features.h5)"
    )
    defaults = Options()
    features.add_argument(
        "--model", default=defaults.model, help=f"name of a model, or the folder of one (default: {defaults.model})"
    )
    features.add_argument("--pooling", default=defaults.pooling, choices=POOLINGS, help="default: mean")
    features.add_argument("--max-tokens", type=_positive, default=defaults.max_tokens, help="of a review; default: 512")
    features.add_argument("--batch", type=_positive, default=defaults.batch, help="reviews at a time; default: 32")
    features.add_argument("--device", default=defaults.device, choices=("auto", "cpu", "cuda"), help="default: auto")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _run(options: argparse.Namespace) -> None:
    if options.command == "featurize":
        chosen = {field.name: getattr(options, field.name) for field in dataclasses.fields(Options)}
        print(featurize(options.source, options.output, Options(**chosen)))
        return
    if options.command == "paper":
        from .experiments.page import paper

        print(paper(options.results, options.output))
        return
    from .study import load

    if options.command == "report":
        from .report import report

        print(report(load(options.files), options.output))
    elif options.command == "compare":
        from .compare import compare

        page, table = compare(load(options.files[0]), load(options.files[1]), options.output)
        print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
        print(page)
    else:
        from .export import export

        for path in export(load(options.files), options.output, options.format):
            print(path)


def main(arguments: list[str] | None = None) -> int:
    """0; 2 and one line on stderr where an input cannot be used or the output cannot be written."""
    try:
        _run(_parser().parse_args(arguments))
        return 0
    except (AnalysisError, OSError) as error:
        print(f"analysis: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
