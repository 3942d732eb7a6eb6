"""A rank that ends at any operation of the file system, before it or half-way through a write, loses nothing: the same
command finishes the study, and results.h5 has the bytes of the undisturbed one."""
import shutil
import unittest

from faulty import EXIT, FULL, CrashTest, operations, preload

STRIDE = 1 if FULL else 25


class Sweep(CrashTest):
    def record(self, ranks):
        """The digest of the undisturbed results, and what each rank did for them."""
        recording = self.folder / "recording"
        recording.mkdir()
        done = self.start("undisturbed", ranks, preload(self.folder / "undisturbed", record=recording))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return self.results("undisturbed"), operations(recording)

    def points(self, done, rank):
        """Operations of this rank at which it ends: all of them, or a sample with the renames of what merge writes."""
        names = [(number, operation) for number, operation in enumerate(
            (operation for operation in done if operation["rank"] == rank), 1)]
        chosen = {number for number, _ in names if number % STRIDE == 0}
        chosen |= {number for number, operation in names if operation["name"] == "rename" and
                   operation["second"].startswith(str(self.folder / "undisturbed" / "results"))}
        kinds = {number: operation["name"] for number, operation in names}
        return [(number, kind) for number in sorted(chosen) for kind in
                (("exit", "half") if FULL and kinds[number] == "write" else
                 ("half",) if kinds[number] == "write" else ("exit",))]

    def sweep(self, ranks):
        undisturbed, done = self.record(ranks)
        tried, ended = 0, 0
        for rank in range(ranks):
            for number, kind in self.points(done, rank):
                with self.subTest(rank=rank, number=number, kind=kind):
                    mark = self.folder / "mark"
                    mark.unlink(missing_ok=True)
                    crashed = self.start("cut", ranks, preload(self.folder / "cut", kind=kind, at=number, rank=rank,
                                                               mark=mark))
                    tried += 1
                    if mark.exists():  # two ranks share their work anew each time: one may do less
                        ended += 1
                        self.assertEqual(crashed.returncode, EXIT, crashed.stdout + crashed.stderr)
                        what = mark.read_text().replace(str(self.folder / "cut"), "DIR")
                    else:
                        self.assertEqual(crashed.returncode, 0, crashed.stdout + crashed.stderr)
                        what = "not reached\n"

                    text = self.finish("cut", ranks)

                    self.assertEqual(self.results("cut"), undisturbed, what + text)
                    self.whole("cut")
                shutil.rmtree(self.folder / "cut", ignore_errors=True)
        print(f"{ranks} rank(s): {len(done)} operations, {tried} tried, {ended} ended the rank, every one resumed to the "
              f"same bytes", flush=True)
        self.assertGreaterEqual(ended, tried * 3 // 4)

    def test_one_rank(self):
        self.sweep(1)

    def test_two_ranks(self):
        self.sweep(2)


if __name__ == "__main__":
    unittest.main()
