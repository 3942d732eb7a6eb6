"""A disk that fills up, turns read-only, fails or vanishes in the middle of a run: the run says so in one line and ends
with a code of its own, nothing committed is lost, and the same command finishes the study when there is room again."""
import os
import shutil
import subprocess
import time
import unittest

from faulty import FULL, CrashTest, column, command, preload

SHOULD_SAY = {"EIO": "Input/output error", "EROFS": "Read-only file system", "EDQUOT": "Disk quota exceeded",
              "ENOSPC": "No space left on device"}
CAN_MOUNT = os.getuid() == 0 and subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"],
                                                capture_output=True, check=False).returncode == 0
WHY_NOT = "this process may not mount (root outside the stricter containers may)"


class Disk(CrashTest):
    def assert_said(self, done, *parts):
        """One line of ours says what happened; not a crash."""
        said = [line for line in done.stderr.splitlines() if line.startswith("unroll: ")]
        for part in parts:
            self.assertTrue(any(part in line for line in said), done.stderr)
        self.assertIn(done.returncode, (1, 75), done.stderr)

    def shards(self, output):
        return {path.name: path.read_bytes() for path in (self.folder / output / "shards").glob("r*.h5")}

    def test_errors_from_the_middle_on(self):
        self.finish("undisturbed")
        undisturbed = self.results("undisturbed")
        tried = 0
        for ranks in (1, 2):
            for error, text in SHOULD_SAY.items():
                for number in (range(25, 100, 7) if FULL else (40,)):
                    with self.subTest(error=error, ranks=ranks, number=number):
                        mark = self.folder / "mark"
                        mark.unlink(missing_ok=True)
                        done = self.start("cut", ranks, preload(self.folder / "cut", kind=error, at=number, rank=0,
                                                                mark=mark))
                        tried += 1
                        if mark.exists():
                            self.assert_said(done, text)
                        before = self.shards("cut")

                        self.finish("cut", ranks)

                        self.assertEqual(self.results("cut"), undisturbed)
                        self.whole("cut")
                        self.assertLessEqual(before.items(), self.shards("cut").items())
                    shutil.rmtree(self.folder / "cut")
        print(f"{tried} runs met an error that stayed; all said so, none lost a shard, all were finished", flush=True)


    def test_errors_that_pass(self):
        """Some operations in a row fail, after the preparation; then all is well again: nobody has to do anything, or the
        run is started again."""
        self.finish("undisturbed")
        undisturbed = self.results("undisturbed")
        tried, went_on = 0, 0
        for error in ("EIO", "ENOSPC"):
            for number in (range(50, 150, 3) if FULL else (52, 60, 67, 81)):
                for count in (1, 2):
                    with self.subTest(error=error, number=number, count=count):
                        done = self.start("cut", 1, preload(self.folder / "cut", kind=error, at=number, count=count))
                        tried += 1
                        went_on += done.returncode == 0
                        if done.returncode != 0:
                            self.assert_said(done, SHOULD_SAY[error])
                            self.finish("cut")

                        self.assertEqual(self.results("cut"), undisturbed)
                        self.whole("cut")
                        self.assert_nothing_doubled("cut")
                    shutil.rmtree(self.folder / "cut")
        print(f"{tried} runs met an error that passed, {went_on} of them went on by themselves; the same bytes from all",
              flush=True)

    def assert_nothing_doubled(self, output):
        """A shard that was committed again after an error is there once: no item is counted twice in one attempt."""
        telemetry = self.folder / output / "telemetry.h5"
        rows = list(zip(column(telemetry, "/items/item_id"), column(telemetry, "/items/start_s")))
        self.assertEqual(len(rows), len(set(rows)))

    def in_a_mount(self, mount, script):
        """Runs a shell script in mounts of its own, with $RUN, the command line; what it printed."""
        run = " ".join(f"'{word}'" for word in command(self.study(), self.folder / "disk/out", 1))
        return subprocess.run(["unshare", "-m", "sh", "-c", f"{mount}\n{script.replace('$RUN', run)}"],
                              capture_output=True, text=True, check=False, cwd=self.folder, timeout=300)

    @unittest.skipUnless(CAN_MOUNT, WHY_NOT)
    def test_a_disk_that_fills_up(self):
        self.finish("undisturbed")
        undisturbed = self.results("undisturbed")
        (self.folder / "disk").mkdir()
        needed = sum(path.stat().st_size for path in (self.folder / "undisturbed").rglob("*")) // 1024
        for part in (0.2, 0.5, 0.8, 0.95) if FULL else (0.5,):
            with self.subTest(part=part):
                room = int(needed * part)
                done = self.in_a_mount(
                    "mount -t tmpfs -o size=8m none disk",
                    f"head -c $((8192 - {room}))k /dev/zero > disk/filler; df -k disk | tail -1 >&2\n"
                    "$RUN; echo first $?; ls disk/out/shards | grep -c '^r'; rm disk/filler; $RUN; echo second $?\n"
                    "rm -rf copy; cp -r disk/out copy")
                self.assertIn("No space left on device", done.stderr)
                self.assertRegex(done.stdout, r"first (1|75)\n")
                self.assertIn("second 0\n", done.stdout, done.stderr)
                self.assertEqual(self.results("copy"), undisturbed)
                self.whole("copy")
        print(f"a tmpfs with room for a part of {needed} kB filled up: said so, and finished when room was made",
              flush=True)

    @unittest.skipUnless(CAN_MOUNT, WHY_NOT)
    def test_a_read_only_folder(self):
        self.finish("undisturbed")
        self.start("disk/out", 1, preload(self.folder / "disk", kind="exit", at=60))
        before = {path: path.read_bytes() for path in (self.folder / "disk").rglob("*") if path.is_file()}
        done = self.in_a_mount("mount --bind disk disk && mount -o remount,ro,bind disk", "$RUN; echo first $?")

        self.assertIn("first 2\n", done.stdout, done.stderr)
        self.assertIn("Read-only file system", done.stderr)
        self.assertEqual(before, {path: path.read_bytes() for path in before})
        self.finish("disk/out")
        self.assertEqual(self.results("disk/out"), self.results("undisturbed"))

    def test_a_folder_that_vanishes(self):
        """Moved away in mid-run: what it holds stays as it was, and finishes when it is moved back."""
        self.finish("undisturbed")
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                output = self.folder / f"out{ranks}"
                run = subprocess.Popen(command(self.study(), output, ranks, ["study.name=crash", "train.epochs=1"]),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                while run.poll() is None and not any((output / "stages").glob("*.h5")):
                    time.sleep(0.001)
                output.rename(self.folder / "away")
                _, said = run.communicate(timeout=240)
                moved = {path.name: path.read_bytes() for path in (self.folder / "away/shards").glob("r*.h5")}
                self.assertIn("unroll: ", said)
                if output.exists():
                    shutil.rmtree(output)
                (self.folder / "away").rename(output)

                self.finish(f"out{ranks}", ranks)

                self.assertEqual(self.results(f"out{ranks}"), self.results("undisturbed"))
                self.assertLessEqual(moved.items(), self.shards(f"out{ranks}").items())
                self.assertNotEqual(run.returncode, 0, said)


if __name__ == "__main__":
    unittest.main()
