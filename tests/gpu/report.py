"""Runs everything that needs a GPU and writes one report (README.md). Usage: report.py FOLDER [--output FILE]"""
import argparse
import datetime
import glob
import hashlib
import importlib.util
import os
import pathlib
import platform
import random
import subprocess
import sys
import tempfile

STUDY = """
[study]
name = gpu
seeds = 0, 1
exclude = forget.kind=none & forget.index=1
[data]
dataset = {dataset}
[model]
arch = {arch}
[order]
kind = shuffled
[pretrain]
epochs = 1
batch = {batch}
[train]
batch = {batch}
epochs = 1
lr = 0.01
momentum = 0.9
[forget]
kind = batch, none
index = 0, 1
[measure]
steps = 3
lanczos_steps = 2
hessian = first:16
eval_rows = 32
[run]
device = cuda
"""

EAGER = """
import sys, time, torch
from torch import nn
from torch.nn import functional
torch.backends.cudnn.allow_tf32 = False
class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.shortcut = nn.Sequential() if stride == 1 and i == o else nn.Sequential(
            nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))
layers, width = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
for o in (64, 128, 256, 512):
    layers += [Block(width, o, 1 if o == 64 else 2), Block(o, o, 1)]
    width = o
net = nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(512, 10)).cuda()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(1024, 3, 32, 32, device="cuda"), torch.randint(0, 10, (1024,), device="cuda")
def run(steps):
    torch.cuda.synchronize()
    started = time.perf_counter()
    for step in range(steps):
        rows = slice(step * 32 % 1024, step * 32 % 1024 + 32)
        optimizer.zero_grad()
        functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    torch.cuda.synchronize()
    return time.perf_counter() - started
run(5)
for count in sys.argv[1:]:
    print(run(int(count)))
"""


class Report:
    def __init__(self, folder):
        self.folder, self.lines, self.failed = folder, [], []
        self.programs = folder / "bin" if (folder / "bin").is_dir() else folder
        self.environment = environment(folder)

    def say(self, text=""):
        print(text, flush=True)
        self.lines.append(text)

    def run(self, words, **more):
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False,
                              env={**self.environment, **more}, timeout=600)

    def mpirun(self, ranks, words, **more):
        return self.run(["mpirun", "-n", ranks, "--oversubscribe", "--bind-to", "none", *words], **more)

    def check(self, name, holds, detail=""):
        self.say(f"{'ok    ' if holds else 'FAILED'} {name}{': ' + detail if detail else ''}")
        if not holds:
            self.failed.append(name)

    def program(self, name):
        return self.programs / name

    def tell(self, result):
        for line in (result.stdout + result.stderr).strip().splitlines()[-40:]:
            self.say("    " + line)


def environment(folder):
    torch = pathlib.Path(importlib.util.find_spec("torch").submodule_search_locations[0])
    paths = [str(torch / "lib"), *sorted(glob.glob(str(torch.parent / "nvidia/*/lib"))), str(folder / "lib")]
    found = {**os.environ, "UNROLL_TORCH": str(torch),
             "LD_LIBRARY_PATH": ":".join([*paths, os.environ.get("LD_LIBRARY_PATH", "")]),
             "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if (folder / "openmpi").is_dir():  # a pack brings its own
        found["OPAL_PREFIX"] = found["PMIX_INSTALL_PREFIX"] = str(folder / "openmpi")
        found["PATH"] = f"{folder / 'openmpi/bin'}:{found['PATH']}"
    return found


def say_machine(report):
    report.say(f"unroll on a GPU, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {platform.platform()}")
    try:
        report.tell(report.run(["nvidia-smi", "-L"]))
    except FileNotFoundError:
        report.say("    no nvidia-smi")
    report.tell(report.run([report.program("unroll"), "doctor"]))


def device_tests(report):
    result = report.run([report.program("test_gpu_device")])
    if result.returncode == 77:
        return False
    report.check("device tests", result.returncode == 0)
    report.tell(result)
    return True


def nccl_tests(report):
    result = report.run([report.program("test_nccl")])
    report.check("NCCL's library", result.returncode == 0)
    for ranks in (1, 2, 3):
        result = report.mpirun(ranks, [report.program("test_gather_nccl")], UNROLL_SHARED_GPU="1")
        report.check(f"gather over NCCL, {ranks} ranks", result.returncode == 0, f"exit code {result.returncode}")
        report.tell(result)


def made_cifar(folder):
    draw = random.Random(3)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        (folder / name).write_bytes(b"".join(bytes([i % 10]) + draw.randbytes(3072) for i in range(100)))


def control_distances(results):
    import h5py
    with h5py.File(results) as file:
        never = {run for run, touch in zip(file["runs/run_id"][:], file["runs/first_touch"][:]) if touch == -1}
        return [distance for run, distance in zip(file["pairs/run_id"][:], file["pairs/no_unlearning_distance"][:])
                if run in never]


def studies(report):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made_cifar(folder)
        for arch, dataset, batch in (("mlp", "optdigits\ntrain_size = 200\ntest_size = 40", 16),
                                     ("resnet18", f"cifar10\npath = {folder}\ntrain_size = 40\ntest_size = 8", 8)):
            study = folder / f"{arch}.ini"
            study.write_text(STUDY.format(arch=arch, dataset=dataset, batch=batch))
            digests = []
            for ranks, output in ((1, "one"), (1, "again"), (2, "two")):
                result = report.mpirun(ranks, [report.program("unroll"), "run", study, "--output",
                                               folder / f"{arch}-{output}"])
                if result.returncode != 0:
                    report.check(f"study of {arch}, {ranks} ranks", False)
                    report.tell(result)
                    return
                digests.append(hashlib.sha256((folder / f"{arch}-{output}/results.h5").read_bytes()).hexdigest())
            distances = control_distances(folder / f"{arch}-one/results.h5")
            report.check(f"{arch}: nothing forgotten is exactly 0.0", distances and not any(distances),
                         f"{len(distances)} rows")
            report.check(f"{arch}: the same study twice gives the same bytes", digests[0] == digests[1])
            report.check(f"{arch}: two ranks on this GPU give the same bytes", digests[0] == digests[2])


def speed(report, rounds=5, steps=20):
    """Model steps a second, in turns with plain PyTorch."""
    def rate(words, models):
        result = report.run([*words, *[steps] * rounds])
        return [models * steps / float(line) for line in result.stdout.split()]

    theirs = sorted(rate([sys.executable, "-c", EAGER], 1))
    report.say(f"ResNet-18, batch 32, float32 without TF32: plain PyTorch {theirs[len(theirs) // 2]:.1f} model steps/s "
               f"[{theirs[0]:.1f}, {theirs[-1]:.1f}]")
    for lanes in (1, 2, 4, 8, 16):
        ours = sorted(rate([report.program("test_gpu_steps"), lanes], lanes))
        if not ours:
            report.check(f"{lanes} lanes", False)
            continue
        middle = ours[len(ours) // 2]
        flop = 3 * 2 * 0.557e9 * 32  # forward and twice that backward, a multiply-add counts two
        report.say(f"    {lanes:2} lanes folded: {middle:8.1f} model steps/s [{ours[0]:.1f}, {ours[-1]:.1f}], "
                   f"{middle / theirs[len(theirs) // 2]:.2f} times PyTorch, {middle * flop / 1e12:.1f} Tflop/s")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=pathlib.Path, help="a pack (pack.sh) or a build folder")
    arguments.add_argument("--output", type=pathlib.Path)
    given = arguments.parse_args()
    report = Report(given.folder.resolve())
    say_machine(report)
    code = 77
    if device_tests(report):
        nccl_tests(report)
        studies(report)
        speed(report)
        code = 1 if report.failed else 0
        report.say(f"{len(report.failed)} failed" + (": " + ", ".join(report.failed) if report.failed else ""))
    else:
        report.say("skipped: no GPU is visible")
    if given.output:
        given.output.write_text("\n".join(report.lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
