"""Checkpoints: a study that is killed in the middle of its training goes on from the last step that was saved, on other
ranks and lanes, and leaves the same bytes; a damaged checkpoint costs what it held."""
import subprocess
import time
import unittest

import support

STUDY = """
[study]
name = checkpoints
seeds = 0..2
exclude = forget.kind=none & forget.index=20
[data]
dataset = optdigits
[model]
arch = mlp
hidden = 16
[pretrain]
epochs = 2
[order]
kind = shuffled
[train]
steps = 60
batch = 16
lr = 0.02, 0.05
momentum = 0.9
[forget]
kind = batch, none
index = 1, 20
[measure]
every = 20
sigma_every = 5
warm_start = yes
hessian = first:64
[prs]
shadow = test
epochs = 2
[noise]
ulp = yes
orders = 7, 8
[run]
checkpoint = 1e-9
"""


def saved(folder):
    return sorted((folder / "checkpoints").glob("r*.ckpt"))


class Checkpoints(support.ExactTest):
    STUDY = STUDY

    def undisturbed(self):
        study = self.write_study(self.STUDY)
        return study, self.digest(self.run_study(study, "undisturbed", 1, ["run.checkpoint=0"]))

    def kill_when_saved(self, study, output, ranks, num_saved):
        """kill -9 when so many checkpoints came and went, or the study is done; the folder."""
        folder = self.folder / output
        process = subprocess.Popen(support.command(study, folder, ranks), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        seen = set()
        try:
            while process.poll() is None and not (len(seen) >= num_saved and saved(folder)):
                seen |= set(saved(folder))
                time.sleep(0.002)
            workers = support.descendants(process.pid)
        finally:
            process.kill()
            process.wait()
        for worker in workers:
            support.end(worker)
        return folder

    def resumed_steps(self, folder):
        return sum(support.column(folder / "telemetry.h5", "/items/resumed_steps"))

    def test_killed_in_training(self):
        study, wanted = self.undisturbed()
        resumed = []
        for trial, num_saved in enumerate((1, 6, 20, 40)):
            with self.subTest(num_saved=num_saved):
                ranks, sets = [(1, ["run.lanes=1"]), (2, ["run.lanes=64"]), (3, ["run.lanes=2"])][trial % 3]
                folder = self.kill_when_saved(study, f"killed{trial}", 1 + trial % 2, num_saved)
                held = len(saved(folder))
                self.run_study(study, folder.name, ranks, sets, mpi=["--oversubscribe"])
                self.assertEqual(self.digest(folder), wanted)
                self.assertEqual(saved(folder), [], "a finished study keeps no checkpoint")
                resumed.append((held, self.resumed_steps(folder)))
        print(f"checkpoints at the kill, model steps not trained again: {resumed}")
        self.assertGreater(sum(steps for _, steps in resumed), 0)

    def test_damaged(self):
        study, wanted = self.undisturbed()
        for damage in ("flip", "truncate", "erase"):
            with self.subTest(damage=damage):
                folder = self.kill_when_saved(study, f"damaged-{damage}", 1, 6)
                files = saved(folder)
                self.assertTrue(files)
                for file in files:
                    content = bytearray(file.read_bytes())
                    content[len(content) // 2] ^= 1
                    file.unlink()
                    if damage != "erase":
                        file.write_bytes(content if damage == "flip" else content[:-1])
                result = subprocess.run(support.command(study, folder, 1), capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)
                if damage == "flip":
                    self.assertRegex(result.stderr, r"checkpoints/\S+\.ckpt: this checkpoint is damaged")
                self.assertEqual(self.digest(folder), wanted)
                self.assertEqual(self.resumed_steps(folder), 0)


if __name__ == "__main__":
    unittest.main()
