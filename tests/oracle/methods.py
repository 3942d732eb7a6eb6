"""Unlearning methods from their definitions: what each adds to M's weights after some steps."""
import torch
from torch.func import functional_call


def correction(problem, states, step):
    """w'' - w."""
    by_name = {"single-gradient": single_gradient, "first-order": first_order,
               "none": lambda *_: torch.zeros_like(states[0].weights)}
    return by_name[problem.cell["unlearn.method"]](problem, states, step)


def single_gradient(problem, states, step):
    """METHODS 2.1, 2.2 with the difference of batch gradients, or as published."""
    cell = problem.cell
    gradient = (problem.published_gradient if cell["unlearn.form"] == "published" else problem.forgotten_gradient)
    if cell["unlearn.gradient_of"] != "forget":
        gradient = problem.other_gradient
    late = cell["unlearn.gradient_at"] == "post-step"
    where = {"epoch-scaled": lambda s: 0, "grad-list": lambda s: s + 1 if late else s,
             "checkpoint": lambda s: step - step % cell["unlearn.checkpoint_every"],
             "final-weights": lambda s: step}[cell["unlearn.rule"]]
    factor = exact_factor if cell["unlearn.correction"] == "exact" else lambda _, s, last: problem.lr(s)
    total = torch.zeros_like(states[0].weights)
    for s in problem.touched(step):
        total += factor(problem, s, step) * gradient(states[where(s)], s)
    return total


def stands_still(problem, step):
    return not problem.left_of(step) and problem.cell["retrain.skip"] == "freeze"


def decay_of_retrained(problem, step):
    """L2 as a part of the loss goes with the rows that M' has not."""
    return problem.cell["train.weight_decay"] if problem.left_of(step) or not problem.l2 else 0


def exact_factor(problem, touched, last):
    """How far one unit of gradient at a step moves a weight until `last` in the steps that M' takes, all other gradients
    being 0."""
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1, momentum=problem.cell["train.momentum"])
    for step in range(touched, last):
        if step > touched and stands_still(problem, step):
            continue
        optimizer.param_groups[0]["lr"] = problem.lr(step)
        optimizer.param_groups[0]["weight_decay"] = decay_of_retrained(problem, step)
        weight.grad = torch.ones_like(weight) if step == touched else torch.zeros_like(weight)
        optimizer.step()
    return -weight.item()


def first_order(problem, states, last):
    """M' by its own steps, each replaced by its value and derivative at M's weights and velocity."""
    touched = problem.touched(last)
    first = touched[0] if touched else last  # until there M' is M
    weights, velocity = states[first].weights, states[first].velocity
    for step in range(first, last):
        if stands_still(problem, step):
            continue
        at = states[step]
        problem.load(at)
        problem.clock = step
        problem.training_mode()
        (weights, velocity), (more, faster) = torch.autograd.functional.jvp(
            lambda w, v, s=step: step_of_retrained(problem, s, w, v), (at.weights, at.velocity),
            (weights - at.weights, velocity - at.velocity))
        weights, velocity = weights + more, velocity + faster
    return weights - states[last].weights


def step_of_retrained(problem, step, weights, velocity):
    """SGD of M' as a function that can be differentiated."""
    left, gradient = problem.left_of(step), 0
    if left:
        parts = split(problem, weights)
        value = problem.loss(left, problem.denominator_left(step), 0,
                             lambda x: functional_call(problem.net, parts, (x,)))
        gradients = torch.autograd.grad(value, list(parts.values()), create_graph=True)
        gradient = torch.cat([part.flatten() for part in gradients])
    velocity = problem.cell["train.momentum"] * velocity + gradient + decay_of_retrained(problem, step) * weights
    return weights - problem.lr(step) * velocity, velocity


def split(problem, weights):
    parts, at = {}, 0
    for name, parameter in problem.net.named_parameters():
        parts[name] = weights[at:at + parameter.numel()].view_as(parameter)
        at += parameter.numel()
    return parts
