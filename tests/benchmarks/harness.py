"""What every benchmark shares: alternating two sides, summing up what they took, and the record that is written.

A benchmark yields a Result. Its ratio says how many times better ours is: theirs / ours for seconds, ours / theirs for
rates; one ratio an alternation, from two figures taken right after one another, so that a slow minute of the machine
hits both. The median of the ratios is the claim, the smallest and the largest are its spread.
"""
import datetime
import os
import platform
import re
import statistics
import subprocess
from dataclasses import asdict, dataclass, field


@dataclass
class Spread:
    """What a list of figures says: median, smallest, largest."""
    median: float
    min: float
    max: float

    @staticmethod
    def of(figures):
        return Spread(statistics.median(figures), min(figures), max(figures))


@dataclass
class Target:
    """What the ratio (or our own figure) should be: at least or at most `value`."""
    value: float
    at_least: bool = True
    of: str = "ratio"  # or "ours"

    def is_met(self, figure):
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self):
        return f"{'ours ' if self.of == 'ours' else ''}{'>=' if self.at_least else '<='} {self.value:g}"


@dataclass
class Result:
    name: str
    what: str  # both sides in one line
    unit: str  # of ours and theirs
    ours: list
    theirs: list  # empty: ours alone is the figure
    ratios: list
    target: Target | None = None
    details: dict = field(default_factory=dict)  # figures beside the ratio: roofline, memory, agreement

    @property
    def target_met(self):
        if self.target is None:
            return None
        return self.target.is_met(Spread.of(self.ours if self.target.of == "ours" else self.ratios).median)

    def record(self):
        def summed(figures):
            return asdict(Spread.of(figures)) if figures else None

        return {"name": self.name, "what": self.what, "unit": self.unit, "alternations": len(self.ours),
                "ours": self.ours, "theirs": self.theirs, "ratios": self.ratios, "ours_summary": summed(self.ours),
                "theirs_summary": summed(self.theirs), "ratio_summary": summed(self.ratios),
                "target": str(self.target) if self.target else None,
                "target_met": self.target_met, "details": self.details}


class Skip(Exception):
    """A benchmark that cannot run here: what is missing, and how to get it."""


def ratio_of_seconds(ours, theirs):
    return theirs / ours


def ratio_of_rates(ours, theirs):
    return ours / theirs


def alternate(ours, theirs, alternations, ratio=ratio_of_seconds):
    """Calls ours and theirs in turn, who goes first changing each time. Each returns its figure. Gives three lists:
    their figures and the ratios."""
    figures = {ours: [], theirs: []}
    for i in range(alternations):
        for side in (ours, theirs) if i % 2 == 0 else (theirs, ours):
            figures[side].append(side())
    return figures[ours], figures[theirs], [ratio(a, b) for a, b in zip(figures[ours], figures[theirs])]


def compare(name, what, unit, ours, theirs, alternations, target=None, ratio=ratio_of_seconds, details=None):
    return Result(name, what, unit, *alternate(ours, theirs, alternations, ratio), target, details or {})


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found.group(1) if found else platform.processor()


def git(root, *words):
    result = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else ""


def environment(root, command):
    """The machine and what ran on it. Nothing in it names a person, a host or a folder."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = re.search(r"MemTotal:\s+(\d+)", file.read())
    import torch
    changed = [line for line in git(root, "status", "--porcelain", "--untracked-files=no").splitlines() if line]
    return {"cpu": cpu_model(), "cores": os.cpu_count(), "memory_gib": round(int(memory.group(1)) / 2**20, 1),
            "system": f"{platform.system()} {platform.release().partition('-')[0]}",
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
            "python": platform.python_version(), "torch": torch.__version__,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": git(root, "rev-parse", "--short=12", "HEAD"), "uncommitted_files": len(changed),
            "load_average": os.getloadavg()[0], "command": command}


def number(value):
    if value == 0 or not 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def line(result, with_target=True):
    """One line of the table."""
    ours, theirs = (number(Spread.of(side).median) if side else "" for side in (result.ours, result.theirs))
    verdict = f"{result.target} {'met' if result.target_met else 'MISSED'}" if result.target and with_target else ""
    ratio = ""
    if result.ratios:
        spread = Spread.of(result.ratios)
        ratio = f"{number(spread.median)} [{number(spread.min)}, {number(spread.max)}]"
    return f"{result.name:<28}{ours:>10}{theirs:>10}  {result.unit:<18}{ratio:<24}{verdict}"


def heading():
    return f"{'benchmark':<28}{'ours':>10}{'theirs':>10}  {'unit':<18}{'ratio [min, max]':<24}target"
