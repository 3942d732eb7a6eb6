"""Runs benchmarks and writes what they found: jobs/bench.sh [options] [names...] (README.md)."""
import argparse
import dataclasses
import json
import pathlib
import sys
import tempfile
import time

import distance
import durability
import figures
import gather
import harness
import noop
import plan
import ranks
import steps
import study
import study_resnet18
from programs import Setting

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHORT = (steps, distance, gather, plan, noop, study, ranks, durability)
GROUPS = {"short": {name: work for module in SHORT for name, work in module.BENCHMARKS.items()},
          "long": study_resnet18.BENCHMARKS}
ALL = {name: work for group in GROUPS.values() for name, work in group.items()}


def arguments(words):
    parser = argparse.ArgumentParser(prog="jobs/bench.sh", description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks, or what names start with; default: all short ones")
    parser.add_argument("--long", action="store_true", help="the long ones instead: tens of minutes")
    parser.add_argument("--smoke", action="store_true", help="every benchmark in tiny: does it run?")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--figures", nargs="+", type=pathlib.Path, metavar="FILE.json",
                        help="write the section of figures in README.md from these")
    parser.add_argument("--alternations", type=int, default=5)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where the programs are")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "../shared/data", help="holds cifar10-subset")
    parser.add_argument("--output", type=pathlib.Path, default=None, help="the JSON file")
    return parser.parse_args(words)


def chosen(options):
    """Names in the order of the table."""
    if not options.names:
        return list(ALL if options.smoke else GROUPS["long" if options.long else "short"])
    named = set()
    for name in options.names:
        found = {name} if name in ALL else {known for known in ALL if known.startswith(name)}
        if not found:
            raise SystemExit(f"jobs/bench.sh: {name}: no such benchmark; --list names them")
        named |= found
    return [known for known in ALL if known in named]


def run(name, setting):
    """Results of one benchmark; says how long it took."""
    started = time.perf_counter()
    found = ALL[name](dataclasses.replace(setting))
    for result in found:
        print(harness.line(result, with_target=not setting.smoke), flush=True)
    took = {"benchmark": name, "took_s": round(time.perf_counter() - started, 1)}
    return [result.record() | took for result in found]


def main(words):
    options = arguments(words)
    if options.list:
        print("\n".join(f"{group:<8}{name}" for group, names in GROUPS.items() for name in names))
        return 0
    if options.figures:
        figures.write(ROOT / "tests/benchmarks/README.md", options.figures)
        return 0
    names = chosen(options)
    record = harness.environment(ROOT, "jobs/bench.sh " + " ".join(words))
    output = options.output or ROOT / "results/bench" / f"{record['date'].replace(' ', '-').replace(':', '')}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    record |= {"smoke": options.smoke, "results": [], "skipped": {}, "failed": {}}
    if record["load_average"] > 0.5 and not options.smoke:
        print(f"bench: load average {record['load_average']:.1f}: other work disturbs the figures", file=sys.stderr)
    print(harness.heading())
    with tempfile.TemporaryDirectory(prefix="unroll-bench-") as folder:
        setting = Setting(ROOT, options.build, options.data, pathlib.Path(folder),
                          1 if options.smoke else options.alternations, options.smoke)
        for name in names:
            try:
                record["results"] += run(name, setting)
            except harness.Skip as skip:
                print(f"{name:<28}skipped: {skip}", flush=True)
                record["skipped"][name] = str(skip)
            except RuntimeError as error:
                print(f"{name:<28}FAILED: {error}", flush=True)
                record["failed"][name] = str(error)
            output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"bench: {output}")
    return 1 if record["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
