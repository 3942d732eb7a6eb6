"""unroll export against pandas: every column of every table comes back with the same values, CSV and JSON Lines.

usage: export.py WRITE_EXAMPLE UNROLL; exit 77: no h5py or pandas.
"""
import csv
import io
import json
import math
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    import pandas
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def column_of(values):
    return [value.decode("utf-8") for value in values] if values.dtype.kind == "S" else values


def exported(unroll, path, table, style, *more):
    return subprocess.run([unroll, "export", path, "--format", style, "--table", table, *more], check=True,
                          capture_output=True).stdout.decode("utf-8")


def check_csv(text, columns):
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert text.endswith("\r\n") and text.count("\r\n") == len(rows), "lines end in CR LF"
    assert rows[0] == list(columns) and all(len(row) == len(columns) for row in rows)
    texts = {name: str for name, values in columns.items() if values.dtype.kind == "S"}
    frame = pandas.read_csv(io.StringIO(text, newline=""), dtype=texts, float_precision="round_trip",
                            keep_default_na=False,
                            na_values={name: [""] for name in columns if columns[name].dtype.kind == "f"})
    for name, values in columns.items():
        if values.dtype.kind == "S":
            assert frame[name].tolist() == column_of(values), name
        else:
            np.testing.assert_array_equal(frame[name].to_numpy(values.dtype), values, name)


def check_jsonl(text, columns):
    lines = text.split("\n")
    assert lines.pop() == "" and len(lines) == len(next(iter(columns.values())))

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    for name, values in columns.items():
        found = [row[name] for row in rows]
        assert all(list(row) == list(columns) for row in rows)
        if values.dtype.kind == "f":
            assert [value is None for value in found] == np.isnan(values).tolist(), name
            found = np.array([math.nan if value is None else value for value in found])
            np.testing.assert_array_equal(found, values, name)
        else:
            assert found == list(column_of(values)), name
    frame = pandas.read_json(io.StringIO(text), lines=True, precise_float=True)
    assert list(frame) == list(columns) and len(frame) == len(rows)


def main(write_example, unroll):
    with tempfile.TemporaryDirectory() as folder:
        results = os.path.join(folder, "results")
        subprocess.run([write_example, results], check=True, stdout=subprocess.DEVNULL)
        num_columns = 0
        for path in (results + "/results.h5", results + "/telemetry.h5"):
            with h5py.File(path) as file:
                tables = {table: {name: file[table][name][()] for name in file[table] if name != "row"}
                          for table in file if isinstance(file[table], h5py.Group)}
            for table, columns in tables.items():
                check_csv(exported(unroll, path, table, "csv"), columns)
                check_jsonl(exported(unroll, path, table, "jsonl"), columns)
                num_columns += len(columns)
        whole = os.path.join(folder, "pairs.csv")
        assert exported(unroll, results, "pairs", "csv", "--output", whole) == ""
        with open(whole, encoding="utf-8", newline="") as file:
            assert file.read() == exported(unroll, results, "pairs", "csv")
        assert os.listdir(folder) != [] and not any(name.startswith(".tmp") for name in os.listdir(folder))
        print(f"{num_columns} columns came back the same from CSV and from JSON Lines")


if __name__ == "__main__":
    main(*sys.argv[1:])
