"""Two ranks of one thread against one rank. Two programs on two cores share caches and memory, so what two ranks could
reach at most is measured too: two independent runs side by side."""
import pathlib
import shutil

from harness import Result, Spread, Target, alternate
from programs import Studies

HERE = pathlib.Path(__file__).resolve().parent


def timed(studies, work):
    seconds = work().seconds
    shutil.rmtree(studies.output, ignore_errors=True)
    return seconds


def optdigits(setting):
    """(t1 / t2) divided by (2 t1 / t side by side): the share of the reachable speed."""
    sets = (["study.seeds=0", "measure.steps=4", "train.lr=0.1", "forget.index=0", "pretrain.epochs=1"]
            if setting.smoke else ["study.seeds=0..29"])
    studies = Studies(setting, HERE / "optdigits.ini", sets)
    one = [timed(studies, studies.run)]
    two, beside, ratios = alternate(lambda: timed(studies, lambda: studies.run(2)),
                                    lambda: timed(studies, lambda: studies.run_side_by_side(2)), setting.alternations,
                                    lambda ours, theirs: theirs / (2 * ours))
    one.append(timed(studies, studies.run))
    details = {"one_rank_s": one, "speedup": sum(one) / len(one) / Spread.of(two).median}
    return [Result("ranks.optdigits", "optdigits study with 30 seeds: two ranks against half the time of two "
                   "independent runs side by side", "s", two, beside, ratios, Target(0.97), details)]


def one_tree(setting):
    sets = [f"data.path={setting.cifar10()}"]
    if setting.smoke:
        sets += ["model.arch=linear", "train.steps=2", "measure.steps=2", "train.batch=4", "data.train_size=8",
                 "data.test_size=2", "forget.index=0, 1"]
    studies = Studies(setting, HERE / "one_tree.ini", sets)
    two, one, ratios = alternate(lambda: timed(studies, lambda: studies.run(2)), lambda: timed(studies, studies.run),
                                 setting.alternations)
    return [Result("ranks.one_tree", "one tree with 10 forks, resnet18: two ranks against one", "s", two, one, ratios,
                   Target(1.6))]


BENCHMARKS = {"ranks.optdigits": optdigits, "ranks.one_tree": one_tree}
