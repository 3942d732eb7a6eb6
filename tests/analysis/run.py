"""Runs the tests of analysis/ by .venv-analysis (which jobs/setup.sh makes), or says why they are skipped (exit 77)."""

import importlib.util
import os
import pathlib
import sys

own = pathlib.Path(__file__).parents[2] / ".venv-analysis"
if (own / "bin/python3").exists() and os.environ.setdefault("UNROLL_ANALYSIS_PYTHON", "") != str(own):
    os.environ["UNROLL_ANALYSIS_PYTHON"] = str(own)
    os.execv(own / "bin/python3", [str(own / "bin/python3"), *sys.argv])

NEEDED = ("numpy", "h5py", "pandas", "xarray", "matplotlib", "scipy", "statsmodels", "pyarrow", "pytest")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    print(
        f"skipped: {sys.executable} has no {', '.join(missing)} (pip install -r analysis/requirements.txt, Python 3.11)"
    )
    sys.exit(77)

folder = pathlib.Path(__file__).parent
if sys.argv[1:] == ["large"]:
    sys.path.insert(0, str(folder))
    import large  # noqa: F401  (exits)

import pytest  # noqa: E402

sys.exit(1 if pytest.main([str(folder), "-q", "-rP", "-p", "no:cacheprovider", *sys.argv[1:]]) else 0)
