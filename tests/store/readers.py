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
    import pandas

    with h5py.File(path, "r") as file:
        frame = pandas.DataFrame({name: file["pairs"][name][()] for name in file["pairs"]})
        frame["status"] = frame["status"].str.decode("utf-8")
    assert len(frame) == ROWS["pairs"] and frame["step"].nunique() == NUM_STEPS
    assert frame["step"].dtype == "int64" and frame["verification_error"].dtype == "float64"
    assert set(frame["status"]) == {"ok", "not_yet_seen"}
    assert (frame["fraction_left"].isna() == (frame["status"] == "not_yet_seen")).all()


def texts_of(values):
    """Texts as str: engines give bytes or str."""
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]


def check_against_h5py(path, table, name_of_reader, read):
    """read(column) gives values and attributes; they are those of h5py, column by column."""
    with h5py.File(path, "r") as file:
        columns = [name for name in file[table] if name != "row"]
        for name in columns:
            values, attributes = read(name)
            expected = file[table][name]
            place = (name_of_reader, table, name)
            assert attributes["units"] == expected.attrs["units"].decode(), place
            assert attributes["long_name"] == expected.attrs["long_name"].decode(), place
            if expected.dtype.kind == "S":
                assert texts_of(values) == texts_of(expected[()]), place
            else:
                assert values.dtype == expected.dtype, (place, values.dtype)
                np.testing.assert_array_equal(values, expected[()], str(place))
    return len(columns)


def check_xarray(path, table, engine):
    import xarray

    with xarray.open_dataset(path, group=table, engine=engine) as data:
        assert set(data.sizes) == {"row"}, data.sizes
        assert data["row"].dtype == "int64" and data["row"].values.tolist() == list(range(data.sizes["row"]))
        return check_against_h5py(path, table, engine, lambda name: (data[name].values, data[name].attrs))


def check_netcdf4(path, table):
    import netCDF4

    with netCDF4.Dataset(path) as data:
        group = data.groups[table]
        assert list(group.dimensions) == ["row"]

        def read(name):
            variable = group.variables[name]
            assert variable.dimensions == ("row",), name
            variable.set_auto_mask(False)
            return variable[:], {key: variable.getncattr(key) for key in ("units", "long_name")}

        return check_against_h5py(path, table, "netCDF4", read)


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_ncdump(path, table, rows, expected):
    text = output_of("ncdump", "-h", path)
    assert f"group: {table} {{" in text and f"row = {rows} ;" in text
    for words in expected:
        assert words in text, words


def check_h5dump(path, table, expected):
    text = output_of("h5dump", "-A", "-g", table, path)
    for words in expected:
        assert words in text, words
    whole = output_of("h5dump", "-d", f"/{table}/{expected[0].split(chr(34))[1]}", path)  # values too
    assert "DATA {" in whole and "(0):" in whole


RESULTS_NCDUMP = ["int64 step(row) ;", "double verification_error(row) ;", "string run_id(row) ;",
                  'step:units = "1" ;', ':format = "unroll-results" ;', ':version = "1" ;',
                  'step:long_name = "T: SGD steps taken by M since w_0" ;', "group: runs {", "group: cells {"]
TELEMETRY_NCDUMP = ["int64 rank(row) ;", "double start_s(row) ;", "string host(row) ;", 'start_s:units = "s" ;',
                    ':format = "unroll-telemetry" ;']
RESULTS_H5DUMP = ['DATASET "run_id"', 'DATASET "step"', "H5T_STD_I64LE", "H5T_IEEE_F64LE", "STRSIZE 64",
                  "H5T_STR_NULLPAD", "H5T_CSET_UTF8", 'ATTRIBUTE "units"', 'ATTRIBUTE "long_name"', 'ATTRIBUTE "sha256"']
TELEMETRY_H5DUMP = ['DATASET "host"', 'DATASET "start_s"', "H5T_STD_I64LE", "H5T_IEEE_F64LE", "H5T_CSET_UTF8"]


def try_reader(name, check):
    """Where a reader is not installed that is said; where it is, it must read."""
    try:
        count = check()
        print(f"{name}: read" + (f" {count} columns" if count else ""))
    except (ImportError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) and shutil.which(name.split()[0]) is not None:
            raise
        print(f"{name}: not there")


def check_readers(path, tables, ncdump, h5dump):
    for table, rows in tables.items():
        for engine in ("h5netcdf", "netcdf4"):
            try_reader(f"xarray with {engine}, {table}", lambda: check_xarray(path, table, engine))
        try_reader(f"netCDF4, {table}", lambda: check_netcdf4(path, table))
        try_reader(f"ncdump -h, {table}", lambda: check_ncdump(path, table, rows, []))
    last = list(tables)[-1]
    try_reader(f"ncdump -h, {last}", lambda: check_ncdump(path, last, tables[last], ncdump))
    try_reader(f"h5dump, {last}", lambda: check_h5dump(path, last, h5dump))


def check_telemetry(path):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == b"unroll-telemetry" and file.attrs["merged_at"]
        assert len(file["items"]["host"]) == NUM_CELLS * NUM_SEEDS
        for name in file["items"]:
            if name != "row":
                check_column(file["items"], name)
        assert file["items"]["start_s"].attrs["units"] == b"s"


def main(write_example):
    with tempfile.TemporaryDirectory() as folder:
        results = os.path.join(folder, "results")
        subprocess.run([write_example, results], check=True, stdout=subprocess.DEVNULL)
        path = os.path.join(results, "results.h5")
        telemetry = os.path.join(results, "telemetry.h5")
        check_h5py(path)
        check_sha256(path)
        check_telemetry(telemetry)
        try_reader("pandas", lambda: check_pandas(path))
        check_readers(path, ROWS, RESULTS_NCDUMP, RESULTS_H5DUMP)
        check_readers(telemetry, {"items": NUM_CELLS * NUM_SEEDS}, TELEMETRY_NCDUMP, TELEMETRY_H5DUMP)
        # The netCDF 4.9.0 of ncdump in Debian 12 crashes when it prints columns of text, whoever wrote them.
        try_reader("ncdump -v", lambda: output_of("ncdump", "-v", "pairs/verification_error", path) and None)


if __name__ == "__main__":
    main(sys.argv[1])
