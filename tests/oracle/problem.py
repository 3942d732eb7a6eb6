"""One cell as PyTorch sees it: data, batches, forget set, losses, and states that go in and out of a module."""
import math
from dataclasses import dataclass, field

import torch
from torch import nn

import nets


@dataclass
class Data:
    x_train: torch.Tensor  # as the network sees them
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor
    arrays: dict = field(default_factory=dict)  # as written to the HDF5 file

    @property
    def classes(self):
        return int(self.y_train.max()) + 1


@dataclass
class State:
    weights: torch.Tensor
    buffers: torch.Tensor
    velocity: torch.Tensor = None


class Problem:
    """cell: key -> value with every default filled in; table: batches of order.file, or None for the fixed order."""

    def __init__(self, cell, data, table, start):
        self.cell, self.data, self.table = cell, data, table
        self.net = nets.make(cell, data.x_train.shape[1:], data.classes)
        self.clock = 0  # the step whose loss and BatchNorm mode are meant
        self.has_batchnorm = any(isinstance(m, nn.BatchNorm2d) for m in self.net.modules())
        self.l2 = cell["train.weight_decay"] if cell["train.l2_in"] == "loss" else 0
        self.rows = list(range(len(data.y_train)))
        self.batch_size = cell["train.batch"] if table is None else max(map(len, table))
        self.epoch = table if table is not None else self.batches_of(self.rows)
        self.num_steps = cell["train.steps"] or cell["train.epochs"] * len(self.epoch)
        self.forgotten = self.forget_rows()
        self.start = start
        self.graph_of = None  # the Hessian whose graph hangs on the module's parameters

    # batches and what is forgotten
    def batches_of(self, rows):
        return [rows[i:i + self.batch_size] for i in range(0, len(rows), self.batch_size)]

    def batch(self, step):
        return self.epoch[step % len(self.epoch)]

    def forget_rows(self):
        kind, index = self.cell["forget.kind"], self.cell["forget.index"]
        labels = self.data.y_train.tolist()
        rows = {"batch": lambda: [row for i in index for row in self.epoch[i]],
                "examples": lambda: [i + j for i in index for j in range(self.cell["forget.count"])],
                "class": lambda: [row for row in self.rows if labels[row] in index],
                "file": lambda: self.cell["forget.rows"]}
        return sorted(set(rows[kind]())) if kind in rows else []

    def forgotten_of(self, step):
        if self.cell["forget.kind"] == "step":
            return self.batch(step) if step == self.cell["forget.index"][0] else []
        return [row for row in self.batch(step) if row in self.forgotten]

    def left_of(self, step):
        gone = self.forgotten_of(step)
        return [row for row in self.batch(step) if row not in gone]

    def touched(self, steps):
        return [step for step in range(steps) if self.forgotten_of(step)]

    def lr(self, step):
        lr, kind = self.cell["train.lr"], self.cell["train.schedule"]
        if kind == "step":
            return lr * self.cell["train.schedule_factor"] ** (step // self.cell["train.schedule_every"])
        return lr * (1 + math.cos(math.pi * step / self.num_steps)) / 2 if kind == "cosine" else lr

    def denominator_left(self, step):
        left = self.cell["retrain.denominator"] == "left"
        return len(self.left_of(step)) if left else len(self.batch(step))

    # states
    def load(self, state):
        self.graph_of = None
        with torch.no_grad():
            nn.utils.vector_to_parameters(state.weights.clone(), self.net.parameters())
            at = 0
            for buffer in self.statistics():
                buffer.copy_(state.buffers[at:at + buffer.numel()])
                at += buffer.numel()
        return self.net

    def statistics(self):
        return [b for name, b in self.net.named_buffers() if not name.endswith("num_batches_tracked")]

    def state(self):
        buffers = [b.flatten().clone() for b in self.statistics()]
        return State(nn.utils.parameters_to_vector(self.net.parameters()).detach().clone(),
                     torch.cat(buffers) if buffers else torch.zeros(0).double())

    # losses and their derivatives
    def gamma(self):
        """Divided after the first step of the every-th, 2 every-th, ... epoch of M."""
        gamma, every = self.cell["loss.gamma"], self.cell["loss.gamma_decay_every"]
        for epoch in range(every, self.clock // len(self.epoch) + 1, every):
            if epoch * len(self.epoch) < self.clock:
                gamma /= self.cell["loss.gamma_decay"]
        return gamma

    def loss(self, rows, denominator, l2=None, net=None):
        z, y = (net or self.net)(self.data.x_train[rows]), self.data.y_train[rows]
        value = nn.functional.cross_entropy(z, y, reduction="sum") / denominator
        kind, gamma = self.cell["loss.kind"], self.gamma()
        if kind == "sd" and gamma:
            classes = z.shape[1] if self.cell["loss.sd"] == "published" else 1
            value = value + gamma * z.std(dim=1).sum() / (denominator * classes)
        if kind == "hess":
            value = value + gamma * (1 - z.softmax(1).square().sum(1)).sum() / denominator
        l2 = self.l2 if l2 is None else l2
        return value + l2 / 2 * sum(p.square().sum() for p in self.net.parameters()) if l2 else value

    def uses_batch(self):
        """BatchNorm's statistics in training at the step: the batch's, or the running ones."""
        mode = self.cell["model.batchnorm"]
        return mode == "train" or mode == "eval-after" and self.clock < self.cell["model.batchnorm_steps"]

    def training_mode(self):
        self.net.train(self.uses_batch())

    def flat_gradient(self, value, create_graph=False):
        parts = torch.autograd.grad(value, list(self.net.parameters()), create_graph=create_graph)
        return torch.cat([part.flatten() for part in parts])

    def gradient(self, state, step, rows, denominator, l2=None):
        self.load(state)
        self.clock = step
        self.training_mode()
        return self.flat_gradient(self.loss(rows, denominator, l2))

    def forgotten_gradient(self, state, step):
        """grad L(w; B) - grad L(w; B without F)."""
        g = self.gradient(state, step, self.batch(step), len(self.batch(step)))
        left = self.left_of(step)
        return g - self.gradient(state, step, left, self.denominator_left(step)) if left else g

    def published_gradient(self, state, step):
        """The forgotten examples' gradients over the batch size."""
        gone = self.forgotten_of(step)
        return self.gradient(state, step, gone, self.batch_size, self.l2 * len(gone) / self.batch_size)

    def other_gradient(self, state, step):
        """The mean gradient on the last rows, whatever was forgotten."""
        rows = self.rows[-int(self.cell["unlearn.gradient_of"].split(":")[1]):]
        return self.gradient(state, step, rows, len(rows))
