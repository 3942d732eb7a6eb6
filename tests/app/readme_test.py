"""A newcomer's walk: every command of README.md, in order, in one shell, in a clone of this tree; and what the page shows.

The set-up is done already: in the clone, `build` and `.venv*` lead to those of the tree under test, so that the scripts find
nothing to install or build. Each command must end with 0. NOT_RUN names those that are not started, with the reason."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time
import unittest

from support import PROGRAM, SOURCE, TORCH, ProgramTest, call

NOT_RUN = {
    "jobs/test.sh": "is what runs this test",
    "jobs/test.sh -L unit": "is what runs this test",
    "jobs/bench.sh": "minutes on a machine that does nothing else; its rows have a CTest of their own",
    "jobs/paper.sh": "half an hour; the next line runs one of its studies",
    "scancel --batch --signal=USR2 JOB": "there is no job: slurm.disturbed sends it to a real one",
    "module load gcc/12 cmake openmpi hdf5 boost": "a cluster's modules",
    "python3 -m venv .venv && .venv/bin/pip install torch==2.11.0": "200 MB from the network; jobs/setup.sh did the same",
    "cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build --target unroll unroll-worker":
        "a build takes a quarter of an hour; jobs/setup.sh did the same",
    "cmake --install build --prefix PREFIX": "is what app.install runs",
}
REPLACED = {"REPOSITORY": "a repository made of the tree under test"}
# No cluster here; tests/slurm gives the same scripts to a real Slurm.
STAND_INS = {
    "sbatch": 'for word; do case $word in *.sbatch) bash -n "$word" && echo "Submitted batch job 7"; exit;; esac; done; exit 1',
    "sinfo": 'echo "batch* 8 128 2 256000"',
}
FILES = ["results/quickstart/results.h5", "results/quickstart/telemetry.h5", "report/index.html", "results/mine/results.h5",
         "results/chunks/results.h5", "pairs.csv", "compare/index.html", "export/pairs.parquet",
         "results/paper/e05_position_sweep/report/index.html", "results/array/job/array.sbatch", "results/mine/job/site"]


def blocks():
    """(kind, text, the line before it that is not empty) of each fenced block of README.md."""
    found, before, kind = [], "", None
    for line in (SOURCE / "README.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("```"):
            if kind is not None:
                found[-1][1].append(line)
            elif line:
                before = line
        elif kind is None:
            kind = line[3:]
            found.append((kind, [], before))
        else:
            kind = None
    return [(kind, "\n".join(lines) + "\n", before) for kind, lines, before in found]


def prose():
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", (SOURCE / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(text):
    return [re.sub(r"\s+# .*$", "", line) for line in text.splitlines() if line.strip()]


def text_block(start):
    [text] = [text for kind, text, _ in blocks() if kind == "text" and text.startswith(start)]
    return text


class Shell:
    """One bash for all commands: what one exports or where it goes, the next one has."""

    def __init__(self, folder, env):
        self.folder, self.count = folder, 0
        self.bash = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=env)

    def run(self, command):
        """Its exit code ("" if it ended the shell) and output."""
        self.count += 1
        output = self.folder / f"output-{self.count}"
        self.bash.stdin.write(f"{{\n{command}\n}} >{output} 2>&1 </dev/null; echo $?\n")
        self.bash.stdin.flush()
        return self.bash.stdout.readline().strip(), output.read_text(errors="replace")

    def close(self):
        self.bash.communicate()


def make_repository(folder):
    """Of the tree under test, as it is now."""
    git = ["git", f"--git-dir={folder}/.git", f"--work-tree={SOURCE}"]
    folder.mkdir()
    (folder / "links").write_text(".venv\n.venv-analysis\n")  # .gitignore names folders; here they may be links to some
    for words in (["git", "init", "-q", folder], [*git, "config", "core.excludesFile", folder / "links"], [*git, "add", "-A"],
                  [*git, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "the tree"]):
        done = call(*words, cwd=SOURCE)
        assert done.returncode == 0, done


def link_set_up(clone):
    """What jobs/setup.sh would make. A pip that is asked for anything fails: the tree under test is not changed."""
    (clone / ".venv/bin").mkdir(parents=True)
    for path in [*(SOURCE / ".venv").iterdir(), *(SOURCE / ".venv/bin").iterdir()]:
        if path.name not in ("bin", "pip"):
            (clone / path.relative_to(SOURCE)).symlink_to(path)
    (clone / ".venv/bin/pip").write_text("#!/bin/sh\necho 'the set-up of the tree under test is not this one' >&2; exit 1\n")
    (clone / ".venv/bin/pip").chmod(0o755)
    (clone / ".venv-analysis").symlink_to(SOURCE / ".venv-analysis")
    (clone / "build").mkdir()
    for path in pathlib.Path(PROGRAM).parent.glob("unroll*"):
        if path.is_file():
            (clone / "build" / path.name).symlink_to(path)
    (clone / "build/build.ninja").write_text("build unroll: phony\nbuild unroll-worker: phony\n")
    (clone / "build/CMakeCache.txt").write_text(
        "UNROLL_WERROR:BOOL=ON\nCMAKE_PROJECT_NAME:STATIC=unroll\nCMAKE_GENERATOR:INTERNAL=Ninja\n"
        f"CMAKE_MAKE_PROGRAM:FILEPATH={shutil.which('ninja')}\n")


def environment(folder):
    env = {key: value for key, value in os.environ.items()
           if key not in ("UNROLL_TORCH", "CMAKE_PREFIX_PATH", "LD_LIBRARY_PATH") and not key.startswith("OMPI_ALLOW")}
    if "torch==" not in (SOURCE / ".venv/unroll-wheels.txt").read_text():
        env["UNROLL_TORCH"] = TORCH
    (folder / "bin").mkdir()
    for name, text in STAND_INS.items():
        (folder / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    return {**env, "PATH": f"{folder / 'bin'}:{env['PATH']}", "HOME": str(folder), "UNROLL_WERROR": "ON"}


def why_not():
    """Why the walk cannot be made here; "" where it can."""
    stamp = SOURCE / ".venv-analysis/unroll-requirements.txt"
    if not TORCH:
        return "built without LibTorch"
    if not all(map(shutil.which, ("git", "ninja", "ncdump"))):
        return "git, ninja or ncdump is missing"
    if not stamp.exists() or stamp.read_bytes() != (SOURCE / "analysis/requirements.txt").read_bytes():
        return ".venv-analysis is not that of jobs/setup.sh (Python 3.11 or later)"
    return "" if (SOURCE / ".venv/unroll-wheels.txt").exists() else ".venv is not that of jobs/setup.sh"


class Walk(ProgramTest):
    def walk(self):
        """Runs every block; {command: (exit code, output)} of sh blocks, and of python blocks by their text."""
        done, clone = {}, self.folder / "unroll"
        make_repository(self.folder / "origin")
        shell = Shell(self.folder, environment(self.folder))
        self.addCleanup(shell.close)
        for kind, text, before in blocks():
            if kind == "ini":
                (clone / re.search(r"`([^`/]*\.ini)`:$", before).group(1)).write_text(text)
            elif kind == "python":
                (clone / "block.py").write_text(text)
                done[text] = shell.run(".venv-analysis/bin/python - <block.py")
            for command in commands(text) if kind == "sh" else []:
                if command in NOT_RUN:
                    continue
                start = time.monotonic()
                done[command] = shell.run(command.replace("REPOSITORY", shlex.quote(str(self.folder / "origin"))))
                print(f"{time.monotonic() - start:5.1f} s  {command}", flush=True)
                if command.startswith("git clone"):
                    link_set_up(clone)
        return done

    def test_every_command_ends_with_0_and_leaves_and_shows_what_the_page_says(self):
        if why_not():
            self.skipTest(why_not())
        done = self.walk()

        for command, (code, output) in done.items():
            with self.subTest(command):
                self.assertEqual(code, "0", output[-3000:])
        for name in FILES:
            with self.subTest(name):
                self.assertGreater((self.folder / "unroll" / name).stat().st_size, 0)
        self.check_table(done["jobs/quickstart.sh"][1])
        [doctor] = [output for command, (_, output) in done.items() if command.endswith("unroll doctor")]
        for line in text_block("programs").splitlines():
            if not line.startswith(" "):
                self.assertRegex(doctor, rf"(?m)^{line.split()[0]} +")
        [stopped] = [output for command, (_, output) in done.items() if "--stop-after" in command]
        self.assertIn("ended with 75", stopped)

    def check_table(self, output):
        """The quick start's excerpt: its head as it is, its numbers within 5 % (processors round differently)."""
        head, row = text_block("  cell").splitlines()
        lines = output.splitlines()
        self.assertIn(head, lines)
        real = lines[lines.index(head) + 1]
        numbers = [[float(n) for n in re.findall(r"[\d.]+(?:e[-+]\d+)?", text)] for text in (row, real)]
        self.assertEqual(re.sub(r"[\d.]+", "", row), re.sub(r"[\d.]+", "", real))
        for shown, measured in zip(*numbers, strict=True):
            self.assertAlmostEqual(shown, measured, delta=0.05 * abs(measured))
        self.assertIn("300 of 300 runs done", output)
        self.assertRegex(output, r"rows: 1500\b")


class Page(unittest.TestCase):
    def test_every_block_is_run_or_compared(self):
        self.assertEqual({kind for kind, _, _ in blocks()}, {"sh", "ini", "python", "text"})
        self.assertEqual(sorted(text.split()[0] for kind, text, _ in blocks() if kind == "text"), ["cell", "config", "programs"])

    def test_what_is_not_run_is_there_and_each_word_that_is_replaced_too(self):
        there = [command for kind, text, _ in blocks() if kind == "sh" for command in commands(text)]

        self.assertEqual(set(NOT_RUN) - set(there), set())
        for word in REPLACED:
            self.assertTrue(any(word in command for command in there), word)
        self.assertGreater(len(there), 2 * len(NOT_RUN))
        print(f"{len(there)} commands, {len(NOT_RUN)} of them not run: {', '.join(NOT_RUN)}")

    def test_links_lead_to_files(self):
        for link in re.findall(r"\]\(([^)]+)\)", prose()):
            with self.subTest(link):
                headings = ["#" + re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                            for line in prose().splitlines() if line.startswith("#")]
                self.assertTrue(link in headings if link.startswith("#") else (SOURCE / link).exists())

    def test_commands_and_options_in_sentences_are_those_of_the_programs_help(self):
        names = re.findall(r"^  (\w+) ", call(PROGRAM, "--help").stdout.split("unroll COMMAND --help")[0], re.MULTILINE)
        of = {name: call(PROGRAM, name, "--help").stdout for name in names}
        spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose())]

        for span in spans:
            words = span.split()
            with self.subTest(span):
                if words[0] == "unroll" and len(words) > 1:
                    self.assertIn(words[1], names)
                    self.assertTrue(all(word in of[words[1]] for word in words[2:] if word.startswith("--")))
                elif words[0].startswith("--"):
                    self.assertTrue(any(words[0] in text for text in of.values()))
                elif words[0].startswith("jobs/"):
                    self.assertTrue((SOURCE / words[0]).exists())


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner().run(suite)
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
