"""M, M' and M'' with torch.optim.SGD: every state of M and M' is kept, everything else is computed from them."""
import torch

from problem import State


def _train(problem, num_steps, plan):
    """plan(step): (rows, denominator) to train on, "freeze" or "coast". Returns the states after 0..num_steps steps."""
    cell = problem.cell
    net = problem.load(problem.start)
    optimizer = torch.optim.SGD(net.parameters(), lr=1, momentum=cell["train.momentum"],
                                weight_decay=0 if problem.l2 else cell["train.weight_decay"])
    states = [moving(problem, optimizer)]
    for step in range(num_steps):
        action = plan(step)
        optimizer.param_groups[0]["lr"] = problem.lr(step)
        problem.clock = step
        problem.training_mode()
        optimizer.zero_grad()
        if action == "coast":
            for parameter in net.parameters():
                parameter.grad = torch.zeros_like(parameter)
        elif action != "freeze":
            problem.loss(*action).backward()
        if action != "freeze":
            optimizer.step()
        states.append(moving(problem, optimizer))
    return states


def moving(problem, optimizer):
    """The state with the optimiser's momentum buffers, which are 0 before the first step."""
    state = problem.state()
    buffers = [optimizer.state[p].get("momentum_buffer") for p in problem.net.parameters()]
    state.velocity = torch.cat([torch.zeros_like(p).flatten() if b is None else b.flatten().clone()
                                for p, b in zip(problem.net.parameters(), buffers)]).detach()
    return state


def originals(problem, num_steps):
    return _train(problem, num_steps, lambda step: (problem.batch(step), len(problem.batch(step))))


def retrained(problem, num_steps):
    skip = problem.cell["retrain.skip"]

    def coupled(step):
        left = problem.left_of(step)
        return (left, problem.denominator_left(step)) if left else skip

    if problem.cell["retrain.kind"] == "coupled":
        return _train(problem, num_steps, coupled)
    batches = problem.batches_of([row for row in problem.rows if row not in problem.forgotten])

    def fresh(step):
        position = step % len(problem.epoch)
        return (batches[position], len(batches[position])) if position < len(batches) else skip

    return _train(problem, num_steps, fresh)


def left(problem, states):
    """M's states with the BatchNorm statistics that the method leaves: moved by the listed gradients' forwards."""
    if problem.cell["unlearn.statistics"] == "kept":
        return states
    moved = [states[0]]
    for step in range(len(states) - 1):
        rows = problem.batch(step)
        net = problem.load(State(states[step].weights, moved[-1].buffers)).train()
        with torch.no_grad():
            net(problem.data.x_train[rows])
            torch.nn.utils.vector_to_parameters(states[step + 1].weights.clone(), net.parameters())
            if problem.forgotten_of(step):
                net(problem.data.x_train[problem.forgotten_of(step)])
        moved.append(State(states[step + 1].weights, problem.state().buffers))
    return moved


def unlearned(states, step, change):
    return State(states[step].weights + change, states[step].buffers)
