"""Hessians by double backward, and what Lanczos and power iteration must say of them (METHODS, part 4)."""
import math
from dataclasses import dataclass

import torch

import streams

SMALL = 200  # parameters up to which the whole spectrum is computed


@dataclass
class Spectrum:
    high: float = math.nan
    low: float = math.nan
    dominant: float = math.nan
    residual: float = math.nan
    products: int = 0
    converged: int = 0
    vector: torch.Tensor = None


class Hessian:
    """Of a loss that is a function of the module's parameters at `state`."""

    def __init__(self, problem, state, step, value):
        self.problem, self.state, self.step, self.value = problem, state, step, value

    def __call__(self, v):
        if self.problem.graph_of is not self:  # the module has been loaded with another state since
            self.problem.load(self.state)
            self.problem.graph_of = self
            self.problem.clock = self.step
            self.problem.net.train(self.problem.uses_batch() and self.problem.cell["measure.sigma_mode"] == "train")
            self.gradient = self.problem.flat_gradient(self.value(), create_graph=True)
        parts = torch.autograd.grad(self.gradient @ v, list(self.problem.net.parameters()), retain_graph=True,
                                    materialize_grads=True)
        return torch.cat([part.flatten() for part in parts]).detach()

    def spectrum(self):
        size = len(self.state.weights)
        return torch.linalg.eigvalsh(torch.stack([self(row) for row in torch.eye(size).double()]))


def of_rows(problem, state, step, rows):
    return Hessian(problem, state, step, lambda: problem.loss(rows, len(rows)))


def of_forgotten(problem, state, step):
    """The Jacobian of the forgotten gradient of a touched step."""
    left = problem.left_of(step)

    def value():
        whole = problem.loss(problem.batch(step), len(problem.batch(step)))
        return whole - problem.loss(left, problem.denominator_left(step)) if left else whole

    return Hessian(problem, state, step, value)


def start_vector(problem):
    return torch.from_numpy(streams.normals(problem.cell["seed.eval"], "lanczos", len(problem.start.weights)))


def ritz_pairs(basis, images, of):
    """Values, vectors and residual norms of some pairs over the span of `basis`, with `images` = H basis."""
    q, h = torch.stack(basis), torch.stack(images)
    small = q @ h.T
    values, vectors = torch.linalg.eigh((small + small.T) / 2)
    pairs = []
    for i in of(values):
        y = vectors[:, i] @ q
        pairs.append((float(values[i]), y, float((vectors[:, i] @ h - values[i] * y).norm())))
    return values, pairs


def ends(values):
    """Indices: the one largest in size (a tie goes to the positive one), the opposite end, the dominant's neighbour."""
    take_high = abs(values[-1]) >= abs(values[0]) * (1 - 1e-6)
    last = len(values) - 1
    return (last, 0, max(last - 1, 0)) if take_high else (0, last, min(1, last))


def is_known(values, pairs, tolerance, before):
    """The stopping rule: min(r, r^2 / gap) within the tolerance, the other end no larger, the value at rest."""
    (value, _, r), (other, _, r_other), (neighbour, _, _) = pairs
    allowed = tolerance * abs(value)
    if len(values) == 1:
        return r <= allowed
    if abs(other) + r_other > abs(value) * (1 + max(tolerance, 1e-6)):
        return False
    return min(r, r * r / abs(value - neighbour)) <= allowed and abs(value - before) <= allowed


def krylov(hessian, v, steps, tolerance):
    """The extreme Ritz pairs over span(v, Hv, ..., H^(steps-1) v), from an orthonormal basis and H on it; a smaller
    space when the dominant value is known to the tolerance."""
    basis, images, before = [v / v.norm()], [], math.nan
    while True:
        images.append(hessian(basis[-1]))
        w = images[-1]
        for _ in range(3):
            q = torch.stack(basis)
            w = w - q.T @ (q @ w)
        largest = max(abs(float(q @ h)) for q, h in zip(basis, images))
        closed = bool(w.norm() <= 1e-12 * largest)
        full = len(images) == min(steps, len(v))
        if closed or full or tolerance > 0:
            values, pairs = ritz_pairs(basis, images, ends)
            dominant, y, r = pairs[0]
            known = closed or (tolerance > 0 and is_known(values, pairs, tolerance, before))
            if known or full:
                converged = known or (tolerance == 0 and r / abs(dominant) < 1e-3)
                return Spectrum(float(values[-1]), float(values[0]), dominant, r / abs(dominant), len(images),
                                int(converged), y)
            before = dominant
        basis.append(w / w.norm())


def power(hessian, v, iterations, tolerance):
    result = Spectrum()
    v = v / v.norm()
    for i in range(iterations):
        hv = hessian(v)
        result.products += 1
        value = float(v @ hv)
        if i > 0 and abs(result.dominant - value) / (abs(result.dominant) + 1e-6) < tolerance:
            result.converged = 1
            break
        result.dominant = value
        result.residual = float((hv - value * v).norm()) / abs(value)
        v = hv / hv.norm()
    if result.dominant >= 0:
        result.high = result.dominant
    else:
        result.low = result.dominant
    return result


class Track:
    """The spectrum of M's Hessian at a step, each computed once."""

    def __init__(self, problem, states):
        self.problem, self.states, self.known = problem, states, {}
        self.v = start_vector(problem)

    def fixed_rows(self):
        kind = self.problem.cell["measure.hessian"]
        if kind.startswith("file:"):
            return self.problem.cell["measure.hessian_rows"]
        return self.problem.rows[:int(kind.split(":")[1]) if kind.startswith("first:") else 512]

    def rows(self, step):
        current = self.problem.cell["measure.hessian"] == "batch"
        return self.problem.batch(max(step - 1, 0)) if current else self.fixed_rows()

    def start(self, step):
        """The solver's start: with warm starts the vector found at the last multiple of sigma_every before the step."""
        cell = self.problem.cell
        if not cell["measure.warm_start"] or step == 0:
            return self.v
        every = cell["measure.sigma_every"]
        return self.at((step - 1) // every * every).vector

    def at(self, step):
        if step not in self.known:
            cell = self.problem.cell
            start = self.start(step)
            hessian = of_rows(self.problem, self.states[step], max(step - 1, 0), self.rows(step))
            if cell["measure.sigma"] == "power":
                found = power(hessian, start, cell["measure.power_iterations"], cell["measure.power_tolerance"])
            else:
                tolerance = cell["measure.lanczos_tolerance"]
                found = krylov(hessian, start, cell["measure.lanczos_steps"], tolerance)
                if len(self.v) <= SMALL and cell["measure.lanczos_steps"] >= len(self.v) and len(self.known) < 2:
                    exact = hessian.spectrum()
                    scale = float(exact.abs().max())
                    assert abs(abs(found.dominant) - scale) <= max(10 * tolerance, 1e-9) * scale
                    if tolerance == 0:
                        assert abs(found.high - exact[-1]) < 1e-9 * scale and abs(found.low - exact[0]) < 1e-9 * scale
            self.known[step] = found
        return self.known[step]

    def kept(self, step):
        """Multiples of sigma_every up to a step."""
        every = self.problem.cell["measure.sigma_every"]
        return [self.at(s) for s in range(0, step + 1, every)] if every else []
