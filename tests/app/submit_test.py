"""unroll submit: what sbatch is given, and that no value of the user's is read by a shell or comes to mean something else."""
import os
import re
import shlex
import subprocess
import unittest

from support import PROGRAM, QUICKSTART, ProgramTest, call

# CANARY is a file that must not appear.
HOSTILE = [
    "$(touch CANARY)", "`touch CANARY`", "; touch CANARY", "&& touch CANARY", "| touch CANARY", "> CANARY", "$HOME",
    "${PATH}", "'; touch CANARY; '", '"; touch CANARY; "', "a\nb", "a\n#SBATCH --uid=0", "a\r\nb", "a\tb", "a b", "  ", "",
    "a'b", 'a"b', "a\\b", "é ü 漢字", "\u202e reversed", "--wrap=touch CANARY", "--uid=0", "-", "--", "-x", "%j %A",
    "../../up", "*", "~root", "!!", "a=b", "a.sbatch b", "\x1b[31mred", "x" * 5000, "0x10", "1e3", "-1", "99999999999999999999",
    b"\xff\xfe".decode(errors="surrogateescape"),
]
SBATCH = '#!/bin/sh\nprintf "%s\\0" "$@" > "$RECORD"\necho Submitted batch job 7\n'
SINFO = '#!/bin/sh\necho "short 2 8 1 64000"\necho "batch* 2 16 2 128000"\necho "batch* 2 32 1 96000+"\n'


class Submit(ProgramTest):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        for name, text in (("sbatch", SBATCH), ("sinfo", SINFO)):
            (self.folder / "bin" / name).write_text(text)
            (self.folder / "bin" / name).chmod(0o755)
        (self.folder / "home").mkdir()
        self.record = self.folder / "record"
        self.here = self.folder / "a/b/c"
        self.here.mkdir(parents=True)
        self.env = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "RECORD": str(self.record),
                    "HOME": str(self.folder / "home"), "LANG": "C.UTF-8"}

    def submit(self, *words, **env):
        return subprocess.run([PROGRAM, "submit", *map(str, words)], capture_output=True, text=True, timeout=120, check=False,
                              errors="replace", env={**self.env, **env}, cwd=self.here)

    def recorded(self):
        words = self.record.read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
        self.record.unlink()
        return words

    def assert_refused_or_kept(self, words, value, env=None):
        """One line and exit 2, or sbatch got the value (or the words that hold it) as it is."""
        result = self.submit(*words, **(env or {}))
        self.assertFalse([path for path in self.folder.rglob("CANARY") if path.name == "CANARY"], words)
        if result.returncode == 2:
            self.assertEqual((result.stdout, result.stderr.count("\n")), ("", 1), result)
            self.assertTrue(result.stderr.startswith("unroll: "), result)
            self.assertLess(len(result.stderr), 1000)
            self.assertNotIn("\x1b", result.stderr)
            self.assertFalse(self.record.exists(), words)
            return False
        self.assertEqual(result.returncode, 0, result)
        given = self.recorded()
        kept = value.strip().split("\n")[0]  # of a site file, whose lines end there
        self.assertTrue(any(kept in word or os.path.basename(kept) in word for word in given), given)
        script = [i for i, word in enumerate(given) if word.endswith(".sbatch")]
        self.assertEqual(len(script), 1, given)
        self.assertTrue(all(word.startswith("-") for word in given[:script[0]]), given)
        self.assertEqual(given[script[0] + 2], "--output")
        return True

    def test_hostile_values_are_refused_in_one_line_or_reach_sbatch_unchanged(self):
        study = [QUICKSTART, "--output", "out"]
        for number, value in enumerate(HOSTILE):
            site = self.folder / "site"
            site.write_bytes(b"account = " + value.encode(errors="surrogateescape") + b"\n")
            output = f"{number}/{value}"
            for words in ([value, "--output", "out"], [QUICKSTART, f"--output={value}"], [QUICKSTART, "--output", output],
                          [*study, "--set", value], [*study, f"--set=study.name={value}"], [*study, f"--nodes={value}"],
                          [*study, f"--ranks-per-node={value}"], [*study, f"--time={value}"], [*study, f"--chunks={value}"],
                          [*study, f"--launcher={value}"], [*study, f"--site={value}"], [*study, "--site", str(site)],
                          [*study, "--", value], [*study, "--", f"--account={value}"], [*study, "--", f"-A{value}"]):
                if any("\0" in word for word in words):
                    continue
                with self.subTest(words=words):
                    self.assert_refused_or_kept(words, value)

    def test_the_command_that_is_shown_means_what_is_run(self):
        for value in ("a b", "$(touch CANARY)", "; touch CANARY", "é 漢字", "*", "${PATH}"):
            words = [QUICKSTART, "--output", f"out {value}", "--", f"--comment={value}"]
            shown = self.submit(*words[:3], "--dry-run", *words[3:])
            self.assertFalse(self.record.exists())
            command = re.search(r"^command +(.*)$", shown.stdout, re.MULTILINE).group(1)
            self.assertEqual(self.submit(*words).returncode, 0)
            run = self.recorded()

            subprocess.run(["bash", "-c", command], check=True, env=self.env, cwd=self.folder, capture_output=True)

            self.assertEqual(self.recorded(), run)
            self.assertEqual(shlex.split(command)[1:], run)
            self.assertFalse((self.here / "CANARY").exists())

    def test_a_dry_run_writes_nothing_and_shows_the_job(self):
        result = self.submit(QUICKSTART, "--nodes", "2", "--dry-run", "--", "--account=project")

        self.assertEqual(result.returncode, 0, result)
        self.assertFalse((self.here / "results").exists())
        for part in ("quickstart: 300 runs", "2 nodes, 1 rank a node", "32 cores", "multi_node.sbatch", "--account=project",
                     "--hint=nomultithread", "--signal=B:USR2@"):
            self.assertIn(part, re.sub(r"\s+", " ", result.stdout))

    def test_options_choose_the_script_and_size_the_job(self):
        for words, script, parts in [
            ([], "single_node.sbatch", ["--nodes=1", "--ntasks=1"]),
            (["--nodes=3", "--ranks-per-node=4"], "multi_node.sbatch",
             ["--nodes=3", "--ntasks=12", "--ntasks-per-node=4", "--cpus-per-task=1"]),
            (["--chunks=4", "--time=1-12:00:00"], "array.sbatch", ["--array=1-4", "--time=1-12:00:00", "--signal=B:USR2@300"]),
            (["--preemptible", "--time=10m"], "preemptible.sbatch", ["--time=0-00:10:00", "--signal=B:USR2@60"]),
            (["--set", "study.seeds=0..999"], "single_node.sbatch", ["--ntasks=32", "--hint=nomultithread"]),
            (["--set", "study.seeds=0..999", "--", "--partition=short"], "single_node.sbatch", ["--ntasks=16"]),
        ]:
            with self.subTest(words=words):
                self.assertEqual(self.submit(QUICKSTART, "--output", "out", *words).returncode, 0)
                given = self.recorded()
                self.assertIn(str(self.here.resolve() / "out/job" / script), given)
                for part in parts:
                    self.assertIn(part, given)
                self.assertEqual(sorted(os.listdir(self.here / "out/job")), sorted([script, "site", "slurm.sh"]))
                subprocess.run(["rm", "-r", self.here / "out"], check=True)

    def test_a_site_file_is_found_and_used(self):
        text = "# ours\naccount = project\npartition = short\ngres = gpu:2\nmodules = gcc/12 openmpi/4.1\nlauncher = srun\n"
        home = self.folder / "home/.config/unroll"
        home.mkdir(parents=True)
        (home / "site").write_text(text)
        (self.here / "other").write_text("account = other\n")
        for env, words, account, launcher in [({}, [], "project", "srun"), ({}, ["--launcher=mpirun"], "project", "mpirun"),
                                              ({"UNROLL_SITE": "other"}, [], "other", "mpirun"),
                                              ({"UNROLL_SITE": "no"}, ["--site=other"], "other", "mpirun")]:
            self.assertEqual(self.submit(QUICKSTART, "--output", "out", *words, **env).returncode, 0)
            self.assertIn(f"--account={account}", self.recorded())
            self.assertIn(f"launcher = {launcher}\n", (self.here / "out/job/site").read_text())
        (home / "site").write_text(text)
        shown = self.submit(QUICKSTART, "--output", "out", "--set", "study.seeds=0..999")
        given = self.recorded()
        self.assertIn("--gres=gpu:2", given)
        self.assertIn("--ntasks=2", given)  # a rank a GPU, of 16 cores
        self.assertIn("GPUs take less", shown.stdout)
        self.submit(QUICKSTART, "--output", "out", "--set", "run.device=cpu")
        self.assertNotIn("--gres=gpu:2", self.recorded())
        self.assertIn("modules = gcc/12 openmpi/4.1\n", (self.here / "out/job/site").read_text())

    def test_a_bad_site_file_is_refused_by_its_line(self):
        for line, parts in [("acount = x", ["site:2", "acount", "account"]), ("account=x", ["site:2", "KEY = VALUE"]),
                            ("cores = many", ["site:2", "cores = many", "1 to 4096"]),
                            ("memory = 0", ["site:2", "memory"]), ("qos = a b", ["site:2", "one word"]),
                            ("launcher = ssh", ["site:2", "mpirun or srun"]), ("partition = -x", ["site:2", "begin with -"]),
                            ("modules = a; touch CANARY'", ["site:2", "quotes"])]:
            (self.here / "site").write_text(f"# ours\n{line}\n")
            with self.subTest(line):
                self.assert_refused(self.submit(QUICKSTART, "--site", "site"), *parts)

    def test_wrong_use_is_refused(self):
        for words, parts in [(["--nodes", "0"], ["--nodes = 0", "1 to"]), (["--time", "1m"], ["--time = 1m", "5m or more"]),
                             (["--chunks", "2", "--preemptible"], ["--chunks", "--preemptible"]),
                             (["--chunks", "100000"], ["chunks"]), (["--ranks-per-node", "4000"], ["4000 ranks", "32 cores"]),
                             (["--", "--nodes=4"], ["--nodes=4", "before the --"]), (["--", "account"], ["account", "one word"]),
                             (["--", "--wr=touch x"], ["--wr", "set by submit"]), (["--launcher=ssh"], ["mpirun or srun"]),
                             (["--output", "a.sbatch"], [".sbatch"])]:
            with self.subTest(words):
                self.assert_refused(self.submit(QUICKSTART, *words), *parts)

    def test_a_time_limit_that_is_too_short_is_said(self):
        result = self.submit(QUICKSTART, "--set", "study.seeds=0..9999", "--ranks-per-node=1", "--time=10m", "--dry-run")

        self.assertRegex(re.sub(r"\s+", " ", result.stdout), r"longer than the time limit of 10:00: .* about \d+ times")

    def test_without_slurm_it_says_so(self):
        (self.folder / "bin/sbatch").unlink()
        (self.folder / "bin/sinfo").unlink()

        result = self.submit(QUICKSTART, "--output", "out", PATH=str(self.folder / "bin"))

        self.assertEqual((result.returncode, result.stderr.count("\n")), (2, 1), result)
        self.assertIn("sbatch: cannot be started", result.stderr)
        shown = call(PROGRAM, "submit", QUICKSTART, "--dry-run", env={"PATH": str(self.folder / "bin")})
        self.assertIn("(this machine: sinfo does not tell)", shown.stdout)


if __name__ == "__main__":
    unittest.main()
