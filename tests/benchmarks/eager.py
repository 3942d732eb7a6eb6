"""The other side: plain PyTorch, one model at a time, as a careful user writes it. Data resident as normalised tensors,
batches cut once an epoch, no value read back inside a step, one thread."""
import pathlib
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
from nets import ResNet18  # noqa: E402 (the paper's network, with the names of init.file)

torch.set_num_threads(1)


class Linear(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.fc = nn.Linear(features, classes)

    def forward(self, x):
        return self.fc(x)


class Mlp(nn.Module):
    def __init__(self, features=64, hidden=64, classes=10):
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.fc2 = nn.Linear(hidden, classes)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def resnet18():
    return ResNet18({"model.activation": "relu"}, (3, 32, 32), 10)


NETS = {"linear": lambda: Linear(768, 2), "mlp": Mlp, "resnet18": resnet18}


def optdigits(root):
    """(x, y) of the training rows and of the test rows."""
    rows = numpy.fromfile(root / "src/dataset/optdigits.bin", dtype=numpy.uint8).reshape(-1, 65)
    x, y = torch.from_numpy(rows[:, :64] / numpy.float32(16)), torch.from_numpy(rows[:, 64].astype(numpy.int64))
    return (x[:3823], y[:3823]), (x[3823:], y[3823:])


def cifar10(folder, size):
    """(x, y) of the first training rows."""
    rows = numpy.fromfile(folder / "data_batch_1.bin", dtype=numpy.uint8).reshape(-1, 3073)[:size]
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)))
    x = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32) / 255)
    return (x - mean) / std, torch.from_numpy(rows[:, 0].astype(numpy.int64))


def batches_of(x, y, size):
    return list(zip(x.split(size), y.split(size)))


def train(net, batches, lr):
    """One SGD step a batch, in training mode."""
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    net.train()
    for x, y in batches:
        optimizer.zero_grad()
        functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


class Stepper:
    """Steps of one model over shuffled batches of resident rows: steps a second."""

    def __init__(self, arch, x, y, batch):
        torch.manual_seed(0)
        self.net, self.x, self.y, self.batch = NETS[arch](), x, y, batch
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.01)

    def run(self, steps):
        """Seconds for so many steps; an epoch's rows are shuffled once and cut into batches."""
        started, done = time.perf_counter(), 0
        while done < steps:
            rows = torch.randperm(len(self.y))
            for x, y in batches_of(self.x[rows], self.y[rows], self.batch)[:steps - done]:
                if len(y) < self.batch:
                    break
                self.optimizer.zero_grad()
                functional.cross_entropy(self.net(x), y).backward()
                self.optimizer.step()
                done += 1
        return time.perf_counter() - started


class Hessian:
    """Products with the Hessian of the mean loss by double backward, as PyHessian: the graph of the gradient is built
    once, in evaluation mode."""

    def __init__(self, net, x, y):
        net.eval()
        self.parameters = list(net.parameters())
        loss = functional.cross_entropy(net(x), y)
        self.gradients = torch.autograd.grad(loss, self.parameters, create_graph=True)

    def __call__(self, v):
        return torch.autograd.grad(self.gradients, self.parameters, v, retain_graph=True)


def inner(a, b):
    return sum((x * y).sum() for x, y in zip(a, b))


def normalised(v):
    norm = inner(v, v).sqrt()
    return [x / (norm + 1e-6) for x in v]


def power_iteration(hessian, iterations=100, tolerance=1e-3):
    """The top eigenvalue as PyHessian finds it, and the number of products: stops when it changes by less than
    `tolerance`."""
    return iterated(hessian, [torch.randn_like(p) for p in hessian.parameters], iterations, tolerance)


def iterated(product, v, iterations, tolerance=1e-3):
    v = normalised(v)
    known = None
    for products in range(1, iterations + 1):
        hv = product(v)
        value = inner(v, hv).item()
        v = normalised(hv)
        if known is not None and abs(known - value) / (abs(known) + 1e-6) < tolerance:
            return known, products
        known = value
    return known, iterations


def krylov_matrix(hessian, products, seed=1):
    """The Hessian on the Krylov space of a random vector, its first basis vector: by Lanczos with full
    reorthogonalisation, in the parameters' precision. [products, products], float64."""
    like = hessian.parameters[0]
    size = sum(p.numel() for p in hessian.parameters)
    basis, images = [torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=like.dtype)], []
    basis[0] /= basis[0].norm()
    for _ in range(products):
        parts = torch.split(basis[-1], [p.numel() for p in hessian.parameters])
        images.append(torch.cat([h.flatten() for h in
                                 hessian([v.view(p.shape) for v, p in zip(parts, hessian.parameters)])]))
        w = images[-1].clone()
        for _ in range(2):
            for q in basis:
                w -= torch.dot(q, w) * q
        basis.append(w / w.norm())
    projected = torch.tensor([[torch.dot(q.double(), h.double()) for h in images] for q in basis[:-1]],
                             dtype=torch.float64)
    return (projected + projected.T) / 2


def flat(net):
    return nn.utils.parameters_to_vector(net.parameters()).detach()


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).double().mean().item()
