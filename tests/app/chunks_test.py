"""A study in chunks: jobs of their own, joined to the same bytes that an uncut study leaves."""
import json
import os
import re
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, sets

SETTINGS = ["study.seeds=0..5", "forget.index=0,10", "measure.steps=10..50", "pretrain.epochs=2"]
NOISE = ["study.seeds=0..3", "forget.index=0", "train.lr=0.05", "measure.steps=20", "pretrain.epochs=1",
         "noise.repeats=1", "noise.orders=1,2", "noise.ulp=yes"]
FILES = ["results.h5", "results.h5.sha256"]


@unittest.skipUnless(TORCH, "built without LibTorch")
class Chunks(ProgramTest):
    def run_study(self, output, *words, settings=SETTINGS, ranks=0):
        launcher = [MPIEXEC, "-n", ranks] if ranks else []
        return call(*launcher, PROGRAM, "run", QUICKSTART, "--output", self.folder / output, *sets(settings), *words,
                    env={**os.environ, "UNROLL_TORCH": TORCH}, timeout=300)

    def assert_ends(self, result, code=0):
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout

    def results(self, output):
        return {name: (self.folder / output / name).read_bytes() for name in FILES}

    def test_chunks_join_to_the_bytes_of_the_uncut_study(self):
        for name, settings, count in [("plain", SETTINGS, 3), ("noise", NOISE, 2)]:
            with self.subTest(name):
                self.assert_ends(self.run_study(f"{name}-whole", settings=settings))
                for index in reversed(range(1, count + 1)):
                    if index < count:
                        text = self.assert_ends(call(PROGRAM, "merge", self.folder / name), 75)
                        self.assertIn(f"chunk 1 of {count}", text)
                    text = self.assert_ends(self.run_study(name, "--chunk", f"{index}/{count}", settings=settings,
                                                           ranks=index % 3))
                    self.assertIn("unroll merge", text)
                    self.assertFalse((self.folder / name / f"chunks/{index}-of-{count}/results.h5").exists())

                self.assert_ends(call(PROGRAM, "merge", self.folder / name))

                self.assertEqual(self.results(name), self.results(f"{name}-whole"))
                self.assertTrue((self.folder / name / "telemetry.h5").exists())
                checked = self.assert_ends(call(PROGRAM, "check", self.folder / name))
                self.assertEqual(checked, f"{self.folder / name}: nothing wrong\n")
                again = self.run_study(name, "--chunk", f"1/{count}", settings=settings)
                self.assert_ends(again)
                self.assertIn(" 0 left", again.stderr)
                answer = json.loads(call(PROGRAM, "status", self.folder / name, "--json").stdout)
                self.assertEqual([chunk["outcome"] for chunk in answer], ["complete"] * count)
                self.assert_ends(call(PROGRAM, "status", self.folder / name, "--exit-code"))
                print(f"{name}: {count} chunks, {sum(chunk['num_runs'] for chunk in answer)} runs")

    def test_what_does_not_fit_to_the_chunks_that_are_there_is_refused(self):
        small = ["study.seeds=0,1", "train.lr=0.05", "loss.gamma=0", "forget.index=0", "measure.steps=2",
                 "pretrain.epochs=1"]
        self.assert_ends(self.run_study("cut", "--chunk", "1/2", settings=small))
        self.assert_refused(self.run_study("cut", settings=small), "cut into 2 chunks", "--chunk i/2", "unroll merge")
        self.assert_refused(self.run_study("cut", "--chunk", "1/3", settings=small), "1..2")
        self.assert_refused(self.run_study("cut", "--chunk", "1/1", settings=small), "cut into 2", "--chunk i/2")
        self.assert_refused(self.run_study("cut", "--chunk", "2/2", settings=[*small[:1], "train.lr=0.1", *small[2:]]),
                            "another study")
        status = call(PROGRAM, "status", self.folder / "cut", "--exit-code")
        self.assertEqual(status.returncode, 75)
        self.assertIn("2-of-2\nno attempt was made yet", status.stdout)
        self.assert_ends(self.run_study("whole", settings=small))
        self.assert_refused(self.run_study("whole", "--chunk", "1/2", settings=small), "without --chunk")
        for bad in ("0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3", ""):
            self.assert_refused(self.run_study("bad", "--chunk", bad, settings=small), "--chunk", "i/n")
        self.assertFalse((self.folder / "bad").exists())


class Plan(ProgramTest):
    def test_the_plan_of_a_chunk_says_its_share(self):
        whole = json.loads(call(PROGRAM, "plan", QUICKSTART, "--json").stdout)
        shares = []
        for index in (1, 2, 3):
            result = call(PROGRAM, "plan", QUICKSTART, "--chunk", f"{index}/3", "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            shares.append(json.loads(result.stdout)["chunk"])
        for key in ("num_runs", "num_rows", "num_trees"):
            self.assertEqual(sum(share[key] for share in shares), whole[key])
        self.assertLess(max(share["core_seconds"] for share in shares), whole["core_seconds"] / 2)
        text = call(PROGRAM, "plan", QUICKSTART, "--chunk", "2/3").stdout
        self.assertTrue(re.search(r"^chunk +2 of 3: \d+ of 300 runs", text, re.MULTILINE), text)
        self.assert_refused(call(PROGRAM, "plan", QUICKSTART, "--chunk", "1/1000"), "--chunk i/1000", "1..")


if __name__ == "__main__":
    unittest.main()
