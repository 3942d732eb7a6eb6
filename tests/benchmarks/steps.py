"""Model steps a second on one core: lanes of a LanePack against one model at a time."""
import json
import math
import pathlib
import subprocess

import h5py
import numpy
import torch

import eager
from harness import Target, compare, ratio_of_rates
from programs import Child, environment

SECONDS = {"linear": 1, "mlp": 1, "resnet18": 4}  # of one figure
PARAMETERS = {"linear": 768 * 2 + 2, "mlp": 64 * 64 + 64 + 64 * 10 + 10, "resnet18": 11173962}


def linear_data(setting):
    """Numbers like pooled text vectors: 768 columns in (-1, 1), two classes."""
    generator = numpy.random.default_rng(3)
    path = setting.temp / "vectors.h5"
    rows = 256 if setting.smoke else 4096
    x = numpy.tanh(generator.standard_normal((rows, 768))).astype(numpy.float32)
    y = generator.integers(0, 2, rows)
    if not path.exists():
        with h5py.File(path, "w") as file:
            file.update({"x_train": x, "y_train": y, "x_test": x[:8], "y_test": y[:8]})
    return path, torch.from_numpy(x), torch.from_numpy(y)


def data_of(setting, arch):
    """(name and path for the program, x, y for the baseline)."""
    if arch == "linear":
        path, x, y = linear_data(setting)
        return ("hdf5", path), x, y
    if arch == "mlp":
        (x, y), _ = eager.optdigits(setting.root)
        return ("optdigits", ""), x, y
    folder = setting.cifar10()
    x, y = eager.cifar10(folder, 64 if setting.smoke else 2048)
    return ("cifar10", folder), x, y


def conv_flops(net, x):
    """Multiply-adds of the forward pass of one image, by layer, in order."""
    found = []

    def count(module, _, y):
        found.append(y[0].numel() * (module.weight.numel() // module.weight.shape[0]))

    for module in net.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(count)
    net.eval()
    with torch.no_grad():
        net(x[:1])
    return found


def flops_of_step(arch, x, batch):
    """Products alone: forward, gradient of the weights, and of the inputs in all layers but the first; a multiply-add
    counts two. Activations, loss and update are left out, so the floor is a little too low."""
    layers = conv_flops(eager.NETS[arch](), x)
    return 2 * batch * (3 * sum(layers) - layers[0])


def bytes_of_step(arch, batch, group):
    """The least traffic: a batch's rows read once by the lanes that share it, weights read and written."""
    row = {"linear": 768 * 4, "mlp": 64, "resnet18": 3072}[arch]
    return batch * row / group + 2 * 4 * PARAMETERS[arch]


def cache_bytes(level):
    for index in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        if (index / "level").read_text().strip() == str(level):
            text = (index / "size").read_text().strip()
            return int(text[:-1]) * {"K": 2**10, "M": 2**20}[text[-1]]
    return 0


def roofline(setting):
    known = setting.temp / "roofline.json"
    if not known.exists():
        known.write_text(subprocess.run([setting.program("bench_steps"), "roofline"], capture_output=True, text=True,
                                        env=environment(), check=True).stdout)
    return json.loads(known.read_text())


def roof_details(setting, arch, x, batch, group, lanes, seconds_per_step):
    """The floor of one model step and how much of it is reached."""
    measured = roofline(setting)
    flops, traffic = flops_of_step(arch, x, batch), bytes_of_step(arch, batch, group)
    held = lanes * traffic
    level = "l2" if held <= cache_bytes(2) else "l3" if held <= cache_bytes(3) else "memory"
    by_flops, by_bytes = flops / measured["flops_per_s"], traffic / measured[f"{level}_bytes_per_s"]
    return {"roofline": measured | {
        "flops_per_step": flops, "bytes_per_step": round(traffic), "data_in": level,
        "floor_us_by_flops": by_flops * 1e6, "floor_us_by_bytes": by_bytes * 1e6, "us_per_step": seconds_per_step * 1e6,
        "share_reached": max(by_flops, by_bytes) / seconds_per_step}}


def calibrated(seconds_of, wanted):
    """A number of steps that takes about `wanted` seconds."""
    steps = 1
    while (seconds := seconds_of(steps)) < wanted / 8:
        steps *= 4
    return max(1, math.ceil(steps * wanted / seconds))


class Pack:
    """The program's side."""

    def __init__(self, setting, arch, lanes, group, batch):
        (name, path), self.x, self.y = data_of(setting, arch)
        batch = 2 if setting.smoke and arch == "resnet18" else batch
        self.child = Child(setting.program("bench_steps"), arch, name, path, f"lanes={lanes}", f"group={group}",
                           f"batch={batch}", f"fold={64 if arch != 'resnet18' else lanes}")
        self.lanes, self.batch = lanes, batch
        self.steps = 1 if setting.smoke else calibrated(self.seconds, SECONDS[arch])

    def seconds(self, steps):
        return float(self.child.ask(steps))

    def seconds_per_model_step(self):
        return self.seconds(self.steps) / self.steps / self.lanes


def against_eager(setting, name, arch, lanes, group, batch, target, as_time=False):
    pack = Pack(setting, arch, lanes, group, batch)
    stepper = eager.Stepper(arch, pack.x, pack.y, pack.batch)
    steps = 2 if setting.smoke else calibrated(stepper.run, SECONDS[arch])
    shared = f"groups of {group} on one batch" if group > 1 else "a batch each"
    what = f"{arch}, batch {pack.batch}, {lanes} lanes ({shared}) against one nn.Module with optim.SGD"
    with pack.child:
        if as_time:
            result = compare(name, what, "s/step", pack.seconds_per_model_step, lambda: stepper.run(steps) / steps,
                             setting.alternations, Target(target, at_least=False), lambda a, b: a / b)
            seconds = result.ours
        else:
            result = compare(name, what, "model steps/s", lambda: 1 / pack.seconds_per_model_step(),
                             lambda: steps / stepper.run(steps), setting.alternations, Target(target), ratio_of_rates)
            seconds = [1 / rate for rate in result.ours]
    median = sorted(seconds)[len(seconds) // 2]
    result.details = roof_details(setting, arch, pack.x, pack.batch, group, lanes, median)
    return [result]


def lanes_of_resnet18(setting):
    four, one = (Pack(setting, "resnet18", lanes, 1, 32) for lanes in (4, 1))
    with four.child, one.child:
        result = compare("steps.resnet18.lanes", "resnet18, batch 32, a step of 4 lanes, per lane, against 1 lane",
                         "s/model step", four.seconds_per_model_step, one.seconds_per_model_step, setting.alternations,
                         Target(1.05, at_least=False), lambda a, b: a / b)
    return [result]


def variant(name, *arguments, **more):
    return name, lambda setting: against_eager(setting, name, *arguments, **more)


BENCHMARKS = dict([
    variant("steps.linear.own", "linear", 256, 1, 8, 15),
    variant("steps.linear.shared8", "linear", 256, 8, 8, 50),
    variant("steps.linear.shared64", "linear", 256, 64, 8, 50),
    variant("steps.mlp.own", "mlp", 256, 1, 32, 12),
    variant("steps.mlp.shared8", "mlp", 256, 8, 32, 15),
    variant("steps.mlp.shared64", "mlp", 256, 64, 32, 15),
    variant("steps.resnet18", "resnet18", 1, 1, 32, 1.02, as_time=True),
    ("steps.resnet18.lanes", lanes_of_resnet18),
])
