"""kill -9 of a random rank, again and again, until a study of many trees is done: nothing is lost, nothing is there twice,
and results.h5 has the bytes of the undisturbed run."""
import os
import random
import signal
import subprocess
import time
import unittest

from faulty import FULL, CrashTest, column, command, descendants, done_before, is_worker

NUM_SEEDS, MIN_KILLS = (500, 20) if FULL else (24, 3)
STUDY = """
[study]
name = kill
[data]
dataset = optdigits
train_size = 200
test_size = 40
[model]
arch = mlp
hidden = 8
[order]
kind = shuffled
[pretrain]
epochs = 1
batch = 32
[train]
epochs = 1
batch = 16
lr = 0.01, 0.05, 0.1, 0.2, 0.3
[forget]
kind = batch
index = 0, 2
[measure]
steps = 3, 6
one_hvp = no
hessian = first:32
[run]
lanes = 3
"""


class Kill(CrashTest):
    def shards(self):
        return sum(1 for _ in (self.folder / "cut/shards").glob("r*.h5"))

    def ranks_of(self, run):
        """Worker processes of this run, in the order in which they were started."""
        return sorted(pid for pid in descendants(run.pid) if is_worker(pid))

    def kill_once(self, chance, ranks, sets):
        """One attempt, ended by kill -9 of a random rank after some more shards; its exit code."""
        before, more = self.shards(), chance.randint(1, 4 if not FULL else 2)
        pause = chance.random() * 0.02
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            run = subprocess.Popen(command(self.study(), self.folder / "cut", ranks, sets), stdout=log, stderr=log)
            while run.poll() is None and self.shards() < before + more:
                time.sleep(0.005)
            time.sleep(pause)
            workers = self.ranks_of(run)
            if run.poll() is None and workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
            return run.wait(timeout=120)

    def kill_until_done(self, ranks):
        sets = [f"study.seeds=0..{NUM_SEEDS - 1}"]
        self.study(STUDY)
        self.finish("undisturbed", ranks, sets)
        undisturbed = self.results("undisturbed")
        chance, kills, attempts = random.Random(2109), 0, 0
        (self.folder / "cut/shards").mkdir(parents=True)
        while True:
            attempts += 1
            code = self.kill_once(chance, ranks, sets)
            if code == 0:
                break
            kills += 1
            self.assertLess(attempts, 500)
        text = (self.folder / "log").read_text()

        self.assertEqual(self.results("cut"), undisturbed, text)
        runs = self.whole("cut")
        self.assertIsNotNone(done_before(text), text)
        items = column(self.folder / "cut/telemetry.h5", "/items/kind")
        trees = NUM_SEEDS * 5
        print(f"{ranks} ranks, {trees} trees, {runs} runs: {kills} ranks killed in {attempts} attempts, 0 runs lost, 0 "
              f"doubled, same bytes; {items.count('tree')} rows of trees in telemetry", flush=True)
        self.assertGreaterEqual(kills, MIN_KILLS)

    def test_two_ranks(self):
        self.kill_until_done(2)

    def test_three_ranks(self):
        self.kill_until_done(3)


if __name__ == "__main__":
    unittest.main()
