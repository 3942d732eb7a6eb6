import json
import re
import subprocess
import time
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, SOURCE, ProgramTest, call, can_mount, sets


class CommandLine(ProgramTest):
    def test_wrong_use_is_one_line_and_exit_2(self):
        for arguments, part in [
            ([], "command is missing"),
            (["frobnicate"], "frobnicate"),
            (["--versio"], "--versio"),
            (["plan"], "STUDY.ini is missing"),
            (["plan", QUICKSTART, "more"], "unexpected word more"),
            (["plan", QUICKSTART, "--jso"], "--json"),
            (["plan", QUICKSTART, "--set"], "--set needs a value"),
            (["plan", "no/such.ini"], "no/such.ini"),
            (["plan", QUICKSTART, "--set", "train.lr=fast"], "train.lr"),
            (["plan", QUICKSTART, "--set", "train.lr=nan"], "train.lr"),
            (["plan", QUICKSTART, "--set", "forget.index=9999"], "forget.index"),
            (["run", QUICKSTART], "--output is missing"),
            (["run", QUICKSTART, "--output", ""], "--output"),
            (["run", QUICKSTART, "--output", QUICKSTART + "/below"], "is a file"),
            (["merge"], "DIR is missing"),
            (["merge", str(self.folder)], "study.ini"),
            (["report", "no/results.h5"], "no/results.h5"),
        ]:
            with self.subTest(arguments=arguments):
                self.assert_refused(call(PROGRAM, *arguments), part)

    def test_an_error_in_a_file_names_file_line_key_and_value(self):
        study = self.folder / "bad.ini"
        study.write_text("[train]\n\nlr = fast\n")

        self.assert_refused(call(PROGRAM, "plan", study), f"{study}:3", "train.lr", "fast")

    def test_help_and_version_name_every_command(self):
        text = call(PROGRAM, "--help")
        self.assertEqual(text.returncode, 0)
        for command in ["plan", "keys", "run", "merge", "report", "submit", "doctor"]:
            self.assertIn(f"\n  {command} ", text.stdout)
            details = call(PROGRAM, command, "--help")
            self.assertEqual(details.returncode, 0)
            self.assertTrue(details.stdout.startswith(f"usage: unroll {command} "))
        self.assertRegex(call(PROGRAM, "--version").stdout, r"^unroll \d+\.\d+\.\d+\n$")

    def test_keys_lists_every_key_with_its_default_and_range(self):
        text = call(PROGRAM, "keys").stdout

        self.assertIn("train.lr = 0.01\n    learning rate: a finite number > 0\n", text)
        self.assertIn("only with loss.kind = sd", text)
        for line in (SOURCE / "src/config/keys.cpp").read_text().split('"'):
            if re.fullmatch(r"[a-z]+\.[a-z_]+", line) and not line.endswith("hpp"):
                self.assertRegex(text, rf"(?m)^{re.escape(line)}( = |$)")

    def test_plan_prints_counts_and_the_same_as_json(self):
        text = call(PROGRAM, "plan", QUICKSTART, "--set", "study.seeds=0..3")
        document = call(PROGRAM, "plan", QUICKSTART, "--set", "study.seeds=0..3", "--json")

        self.assertEqual((text.returncode, document.returncode), (0, 0), document.stderr)
        self.assertIn("120 pairs", text.stdout)
        self.assertIsInstance(json.loads(document.stdout), dict)

    def test_every_shipped_study_plans(self):
        """A study of a data set that is not shipped: with the real files, or it asks for them."""
        for study in sorted((SOURCE / "configs").glob("*.ini")):
            with self.subTest(study=study.name):
                [dataset] = re.findall(r"(?m)^dataset = (\w+)", study.read_text())
                files = SOURCE.parent / "shared/data" / (dataset + "-subset")
                path = sets([f"data.path={files}"]) if files.is_dir() else []

                result = call(PROGRAM, "plan", study, *path)

                if dataset == "optdigits" or path:
                    self.assertEqual(result.returncode, 0, result.stderr)
                else:
                    self.assert_refused(result, "data.path", "there is no such folder")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

        self.assertEqual(result.returncode, 1)
        self.assertIn("stdout", result.stderr)

    def test_a_read_only_folder_is_refused_and_nothing_is_left(self):
        command = (f"mount --bind {self.folder} {self.folder} && mount -o remount,ro,bind {self.folder} && "
                   f"exec {PROGRAM} run {QUICKSTART} --output {self.folder}/results")
        if not can_mount():
            self.skipTest("needs root and mount namespaces")

        result = call("unshare", "-m", "sh", "-c", command)

        self.assert_refused(result, "--output", "Read-only file system")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_under_mpirun_one_rank_speaks_and_none_hangs(self):
        result = call(MPIEXEC, "-n", "4", PROGRAM, "run", QUICKSTART, "--output", self.folder / "r",
                      *sets(["train.lr=-1"]), timeout=60)

        said = [line for line in result.stderr.splitlines() if line.startswith("unroll: ")]
        self.assertEqual(result.returncode, 2, result)
        self.assertEqual(len(said), 1, result.stderr)
        self.assertIn("train.lr", said[0])
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_start_up_time_is_printed(self):
        times = []
        for _ in range(10):
            start = time.perf_counter()
            self.assertEqual(call(PROGRAM, "plan", QUICKSTART).returncode, 0)
            times.append(time.perf_counter() - start)
        print(f"unroll plan configs/quickstart.ini: {1000 * min(times):.0f} ms at best, "
              f"{1000 * sorted(times)[5]:.0f} ms median")


if __name__ == "__main__":
    unittest.main()
