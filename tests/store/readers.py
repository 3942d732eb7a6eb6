"""Trusted readers open what the store writes: h5py always; pandas, xarray, netCDF4, ncdump and h5dump where they are.

usage: readers.py WRITE_EXAMPLE (the program that writes a folder of results); exit 77: no h5py.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

NUM_CELLS, NUM_SEEDS, NUM_STEPS = 3, 6, 3
ROWS = {"cells": NUM_CELLS, "runs": NUM_CELLS * NUM_SEEDS, "pairs": NUM_CELLS * NUM_SEEDS * NUM_STEPS}


def check_column(group, name):
    column = group[name]
    assert column.ndim == 1 and len(column) == len(group["row"]), name
    assert column.dtype in (np.dtype("<i8"), np.dtype("<f8")) or column.dtype.kind == "S", (name, column.dtype)
    if column.dtype.kind == "S":
        assert h5py.check_string_dtype(column.dtype).encoding == "utf-8", name
        [value.decode("utf-8") for value in column[()]]
    assert column.attrs["units"] and column.attrs["long_name"], name
    assert column.dims[0][0] == group["row"], name  # on the one dimension scale
    digest = hashlib.sha256(column[()].tobytes()).hexdigest()
    assert column.attrs["sha256"].decode() == digest, name


def check_h5py(path):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == b"unroll-results" and file.attrs["version"] == b"1"
        assert len(file.attrs["plan_id"]) == 64
        assert b"train.lr" in file["scientific_config"][()]
        for table, rows in ROWS.items():
            group = file[table]
            assert len(group["row"]) == rows and group["row"].is_scale, table
            for name in group:
                if name != "row":
                    check_column(group, name)
        pairs = file["pairs"]
        assert list(pairs)[1] == "run_id"  # in the order of the documentation: row, run_id, cell, ...
        assert {"verification_error", "unlearning_error", "test_accuracy_unlearned"} <= set(pairs)
        assert sorted(set(pairs["step"])) == [0, 10, 20]
        assert file["cells"]["train.lr"][()].tolist() == [0.01, 0.1, 0.01]
        first = pairs["verification_error"][()]
        status = pairs["status"][()]
        assert (first[status == b"ok"] > 0).all() and (first[pairs["step"][()] == 0] == 0).all()


def check_sha256(path):
    digest, name = open(path + ".sha256").read().split()
    assert name == "results.h5" and digest == hashlib.sha256(open(path, "rb").read()).hexdigest()


def check_pandas(path):
    try:
        import pandas
    except ImportError:
        return "pandas: not there"
    with h5py.File(path, "r") as file:
        frame = pandas.DataFrame({name: file["pairs"][name][()] for name in file["pairs"]})
    assert len(frame) == ROWS["pairs"] and frame["step"].nunique() == NUM_STEPS
    return "pandas: read"


def check_xarray(path):
    try:
        import xarray

        engines = set(xarray.backends.list_engines()) & {"netcdf4", "h5netcdf"}
    except ImportError:
        return "xarray: not there"
    for engine in engines:
        data = xarray.open_dataset(path, group="pairs", engine=engine)
        assert dict(data.sizes) == {"row": ROWS["pairs"]} and "verification_error" in data
        assert data["verification_error"].attrs["long_name"]
    return f"xarray: read with {sorted(engines)}"


def check_command(path, *command):
    if shutil.which(command[0]) is None:
        return f"{command[0]}: not there"
    text = subprocess.run([*command, path], check=True, capture_output=True, text=True).stdout
    for expected in ("verification_error", "units", "long_name", "pairs", "runs", "cells"):
        assert expected in text, (command, expected)
    if command[0] == "ncdump":
        assert f"row = {ROWS['pairs']} ;" in text and "double verification_error(row)" in text
        assert "int64 step(row)" in text and "string run_id(row)" in text
    return f"{command[0]}: read"


def main(write_example):
    with tempfile.TemporaryDirectory() as folder:
        results = os.path.join(folder, "results")
        subprocess.run([write_example, results], check=True, stdout=subprocess.DEVNULL)
        path = os.path.join(results, "results.h5")
        check_h5py(path)
        check_sha256(path)
        print(check_pandas(path))
        print(check_xarray(path))
        print(check_command(path, "ncdump", "-h"))
        print(check_command(path, "ncdump", "-v", "pairs/verification_error"))  # text columns crash netCDF 4.9.0
        print(check_command(path, "h5dump", "-H", "-A"))
        telemetry = os.path.join(results, "telemetry.h5")
        with h5py.File(telemetry, "r") as file:
            assert len(file["items"]["host"]) == NUM_CELLS * NUM_SEEDS and file.attrs["merged_at"]


if __name__ == "__main__":
    main(sys.argv[1])
