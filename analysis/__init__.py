"""From results.h5 to figures, tables and statistics.

    import analysis
    study = analysis.load("results/quickstart")     # or several files
    study.pairs, study.cells, study.xarray()

`python -m analysis --help` lists the commands. README.md says what the statistics are.
"""

from .errors import AnalysisError
from .study import Study, load

__all__ = ["AnalysisError", "Study", "load"]
