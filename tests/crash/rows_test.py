"""A million rows: merge and check need less than 1 GB, and a bounded multiple of the time of a raw write and read of the
same bytes."""
import os
import pathlib
import tempfile
import unittest

from rows import fill, raw_read, raw_write, run

PROGRAM, FILL = os.environ["UNROLL_PROGRAM"], os.environ["UNROLL_FILL"]
NUM_ROWS, MAX_MIB, MAX_RATIO = 1_000_000, 1e9 / 2**20, 150


class Rows(unittest.TestCase):
    def test_a_million(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            output = fill(FILL, folder, NUM_ROWS)

            merged = run(PROGRAM, "merge", output)
            checked = run(PROGRAM, "check", output)

            self.assertEqual(merged.code, 0, merged.output)
            self.assertIn(f"{NUM_ROWS} rows", merged.output)
            self.assertEqual(checked.code, 0, checked.output)
            data = (output / "results.h5").read_bytes()
            raw = raw_write(folder / "raw", data) + raw_read(folder / "raw")
            print(f"{NUM_ROWS} rows, {len(data) / 1e6:.0f} MB: merge {merged.seconds:.1f} s, {merged.peak_mib:.0f} MiB; check "
                  f"{checked.seconds:.1f} s, {checked.peak_mib:.0f} MiB; raw write and read {raw:.2f} s", flush=True)
            for took in (merged, checked):
                self.assertLess(took.peak_mib, MAX_MIB)
                self.assertLess(took.seconds / raw, MAX_RATIO)


if __name__ == "__main__":
    unittest.main()
