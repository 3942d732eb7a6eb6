"""Files of a results folder that are erased, cut short or hold a flipped bit: `unroll check` and the next start notice and
name each, no more is done again than it held, and results.h5 has the bytes of the undisturbed run."""
import os
import random
import shutil
import subprocess
import time
import unittest
import unittest.mock

from faulty import EXIT, FULL, PROGRAM, CrashTest, column, members, operations, preload


def erase(path):
    path.unlink()


def cut(part):
    def damage(path):
        data = path.read_bytes()
        path.write_bytes(data[:int(len(data) * part)])
    return damage


def flip(seed):
    def damage(path):
        data = bytearray(path.read_bytes())
        bit = random.Random(seed).randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(data))
    return damage


def set_apart(before, after):
    """Lines that are new."""
    return "".join(line for line in after.splitlines(True) if line not in before.splitlines(True))


DAMAGES = {"erased": erase, "empty": cut(0), "cut in the middle": cut(0.5), "cut at the end": cut(0.999),
           "a flipped bit": flip(1), **({f"flipped bit {i}": flip(i) for i in range(2, 8)} if FULL else {})}


class Damage(CrashTest):
    def prepare(self):
        """`whole`: finished. `part`: all is trained, nothing was compared (so weights are kept) or merged. `start`:
        pretrained, no tree yet. `saved`: a tree is in hand, with a checkpoint. Each with the cache that it filled."""
        recording = self.folder / "recording"
        recording.mkdir()
        self.run_with_cache("whole", preload(self.folder / "whole", record=recording))
        self.undisturbed = self.results("whole")
        done = operations(recording)
        first = {kind: next(i for i, operation in enumerate(done, 1) if kind in operation["path"] + operation["second"])
                 for kind in ("/weights/kept/", "/results.h5")}
        opened = [i for i, operation in enumerate(done, 1) if operation["name"] == "open" and
                  "/shards/.tmp-" in operation["path"] and i < first["/results.h5"]]
        self.cut_at("part", opened[-1])
        self.cut_at("start", first["/weights/kept/"])
        self.assertEqual(len(list((self.folder / "part/weights/kept").glob("r*.h5"))), 3)
        self.assertEqual(len(list((self.folder / "start/stages").glob("*.h5"))), 2)

    def prepare_saved(self):
        """A run that saves at every step, and ends when a checkpoint is written but has not got its name: the one before
        it is there, of a tree that has measurements to come. Which rename that is depends on the order of the items, and
        how many there are on the packs, which are formed from measured costs."""
        self.start("undisturbed")
        self.undisturbed = self.results("undisturbed")
        recording = self.folder / "recording"
        recording.mkdir()
        self.words = ["--set", "run.checkpoint=1e-9"]
        self.start("whole", 1, preload(self.folder / "whole", record=recording))
        num_saved = sum(operation["name"] == "rename" and "/checkpoints/" in operation["path"]
                        for operation in operations(recording))
        for number in range(num_saved - 1, 0, -1):
            shutil.rmtree(self.folder / "saved", ignore_errors=True)
            done = self.start("saved", 1, preload(self.folder / "saved", kind="exit", ops="rename", path="/checkpoints/",
                                                  at=number))
            self.assertIn(done.returncode, (0, EXIT), done.stdout + done.stderr)
            if done.returncode == EXIT and len(self.files("saved", "checkpoints/r*.ckpt")) == 1:
                return
        self.fail(f"none of {num_saved} checkpoints had one before it")

    def run_with_cache(self, output, env=None):
        return self.start(output, 1, env, words=["--cache", str(self.folder / (output + ".cache"))])

    def cut_at(self, output, number):
        done = self.run_with_cache(output, preload(self.folder / output, kind="exit", at=number))
        self.assertEqual(done.returncode, EXIT, done.stdout + done.stderr)

    def files(self, output, pattern):
        return sorted(path.relative_to(self.folder / output) for path in (self.folder / output).glob(pattern))

    def redone(self, output, since):
        """Items that were trained after this moment, by telemetry."""
        telemetry = self.folder / output / "telemetry.h5"
        starts, names, kinds, cached = (column(telemetry, f"/items/{name}")
                                        for name in ("start_s", "item_id", "kind", "cached_steps"))
        return {name: kind for start, name, kind, steps in zip(starts, names, kinds, cached) if start > since and not steps}

    def repair(self, base, file, damage, says):
        """Damages one file of a copy of the folder, has it checked, and runs the study again; what was trained anew.
        says: what the run must say; None: the file's name."""
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        shutil.copytree(self.folder / base, self.folder / "copy")
        before = self.check("copy")
        (damage if callable(damage) else DAMAGES[damage])(self.folder / "copy" / file)
        if not (damage == "erased" and file.suffix == ".ckpt"):  # as one that is needed no more
            self.assertIn(str(file), set_apart(before, self.check("copy")))
        since = time.time()
        text = self.finish("copy")
        self.assertEqual(self.results("copy"), self.undisturbed, text)
        self.whole("copy")
        self.assertIn(file.name if says is None else says, text)
        return self.redone("copy", since)

    def check(self, output):
        """What `unroll check` says of the folder."""
        done = subprocess.run([PROGRAM, "check", str(self.folder / output)], capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 3, 75), done.stdout + done.stderr)
        return done.stdout

    def held_by(self, base, shard):
        """What has to be done again without this shard; None: any tree, for it holds rows of a comparison."""
        path = self.folder / base / shard
        if "distances" in members(path):
            return None
        return set(column(path, "/telemetry/item_id"))

    def each(self, base, pattern, says=None, damages=None):
        """(file, what was trained anew) for every file, with every damage or two of them."""
        damages = damages or list(DAMAGES)
        for index, file in enumerate(self.files(base, pattern)):
            chosen = damages if FULL else [damages[i] for i in {(index + j) % len(damages) for j in (0, 2)}]
            for damage in chosen:
                with self.subTest(base=base, file=str(file), damage=damage):
                    self.count += 1
                    yield file, self.repair(base, file, damage, says)

    def setUp(self):
        super().setUp()
        self.count = 0

    def tearDown(self):
        print(f"{self.count} damages, each named, repaired and no more done again than the file held", flush=True)
        super().tearDown()

    def test_shards(self):
        self.prepare()
        for file, redone in self.each("whole", "shards/r*.h5"):
            held = self.held_by("whole", file)
            self.assertLessEqual(set(redone), held if held is not None else set(redone), file)

    def test_journal(self):
        self.prepare()
        for base in ("whole", "part"):
            for _, redone in self.each(base, "journal/*.log", says="journal"):
                self.assertNotIn("pretraining", redone.values() if base == "whole" else [])

    def test_stages(self):
        self.prepare()
        for _, redone in self.each("whole", "stages/*.h5"):
            self.assertEqual(redone, {})
        for file, redone in self.each("start", "stages/*.h5"):
            self.assertEqual([name for name, kind in redone.items() if kind != "tree"], [file.stem])

    def test_kept_weights(self):
        self.prepare()
        for _, redone in self.each("part", "weights/kept/*.h5"):
            self.assertEqual(list(redone.values()), ["tree"])

    def test_results(self):
        self.prepare()
        for pattern in ("results.h5", "results.h5.sha256", "telemetry.h5", "telemetry.h5.sha256"):
            for _, redone in self.each("whole", pattern):
                self.assertEqual(redone, {})

    def test_what_the_folder_belongs_to(self):
        self.prepare()
        for base in ("whole", "part"):
            for pattern in ("plan.txt", "numerics.txt"):
                for file, redone in self.each(base, pattern):
                    self.assertEqual(redone, {})
                    self.assertEqual((self.folder / "copy" / file).read_bytes(), (self.folder / base / file).read_bytes())

    def test_owner_records_and_heartbeats(self):
        """Of an attempt that ended, where it matters to nobody, and of one that died."""
        self.prepare()
        self.enterContext(unittest.mock.patch.dict(os.environ, UNROLL_HEARTBEAT_S="0.1"))  # dead after 0.8 s without
        for base, says in (("whole", ""), ("part", "its owner record is missing or damaged")):
            for _, redone in self.each(base, "attempts/1/owner", says):
                self.assertEqual(redone, {})
        beats = [erase, lambda path: path.write_bytes(b"x"), lambda path: os.utime(path, times=(time.time() + 3600,) * 2)]
        for base in ("whole", "part"):
            for _, redone in self.each(base, "attempts/1/heartbeat", "", beats):
                self.assertEqual(redone, {})

    def test_checkpoints(self):
        self.prepare_saved()
        shutil.copytree(self.folder / "saved", self.folder / "resumed")
        since = time.time()
        self.finish("resumed")
        items = self.redone("resumed", since)
        self.assertGreater(self.resumed_steps("resumed"), 0)
        for damage in DAMAGES:
            for file, redone in self.each("saved", "checkpoints/r*.ckpt", "" if damage == "erased" else None, [damage]):
                self.assertEqual(redone, items)  # from the start
                self.assertEqual(self.resumed_steps("copy"), 0)

    def resumed_steps(self, output):
        return sum(column(self.folder / output / "telemetry.h5", "/items/resumed_steps"))

    def test_cache_entries(self):
        self.prepare()
        entry = self.files("whole.cache", "*.stage")[0]
        for damage in DAMAGES:
            with self.subTest(damage=damage):
                self.count += 1
                for name in ("copy", "copy.cache"):
                    shutil.rmtree(self.folder / name, ignore_errors=True)
                shutil.copytree(self.folder / "whole.cache", self.folder / "copy.cache")
                DAMAGES[damage](self.folder / "copy.cache" / entry)
                since = time.time()
                done = self.run_with_cache("copy")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.results("copy"), self.undisturbed)
                self.assertIn("pretraining", self.redone("copy", since).values())
                if damage != "erased":
                    self.assertIn(entry.name, done.stderr)


if __name__ == "__main__":
    unittest.main()
