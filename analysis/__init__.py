"""From results.h5 to figures, tables and statistics.

    import analysis
    study = analysis.load("results/quickstart")     # or several files
    study.pairs, study.cells, study.xarray()

`python -m analysis --help` lists the commands. README.md says what the statistics are.
"""

from typing import Any

from .errors import AnalysisError

__all__ = ["AnalysisError", "Study", "load"]


def __getattr__(name: str) -> Any:
    """Study and load, when first asked for: `featurize` works where pandas is not installed."""
    if name in ("Study", "load"):
        from . import study

        return getattr(study, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
