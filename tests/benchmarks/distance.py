"""The verification error of two ResNet-18 weight sets: ours, tensors, and lists as in the authors' scripts."""
import time

import h5py
import numpy
import torch

import eager
from harness import Target, compare
from programs import Child


def as_list(parameters):
    return [value for parameter in parameters for value in parameter.detach().reshape(-1).tolist()]


def resnet18(setting):
    torch.manual_seed(9)
    original, retrained, start = (eager.resnet18() for _ in range(3))
    step = [0.01 * torch.randn_like(p) for p in original.parameters()]
    path = setting.temp / "weights.h5"
    with h5py.File(path, "w") as file:
        for name, net in (("original", original), ("retrained", retrained), ("start", start)):
            file[name] = eager.flat(net).numpy()
        file["correction"] = torch.cat([s.flatten() for s in step]).double().numpy()
    repeats = 1 if setting.smoke else 20

    def by_tensors():
        total = 0.0
        for w, w1, change in zip(original.parameters(), retrained.parameters(), step):
            total += (w.detach().double() + change - w1.detach()).square().sum()
        return total.sqrt().item()

    def by_lists():
        unlearned = [w.detach() + change for w, change in zip(original.parameters(), step)]
        return float(numpy.linalg.norm(numpy.array(as_list(retrained.parameters())) - numpy.array(as_list(unlearned))))

    def seconds(work, count):
        started = time.perf_counter()
        for _ in range(count):
            found.append(work())
        return (time.perf_counter() - started) / count

    found = []
    with Child(setting.program("bench_distances"), path) as child:
        def ours():
            time_s, error = child.ask(repeats).split()
            found.append(float(error))
            return float(time_s) / repeats

        ours()
        result = compare("distance.resnet18", "all distances of M, M', M'' and w_0, by layer, against the verification "
                         "error alone by torch in double", "s", ours, lambda: seconds(by_tensors, repeats),
                         setting.alternations, Target(0.02, at_least=False, of="ours"))
    lists = [seconds(by_lists, 1) for _ in range(1 if setting.smoke else 3)]
    apart = max(found) / min(found) - 1
    if apart > 1e-6:
        raise RuntimeError(f"the verification errors differ by {apart:.2g}")
    result.details = {"by_lists_s": lists, "ratio_to_lists": min(lists) / max(result.ours),
                      "largest_relative_difference": apart}
    return [result]


BENCHMARKS = {"distance.resnet18": resnet18}
