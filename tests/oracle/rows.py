"""The columns of one row of /pairs and /layers, computed from the states of M and M'. None: cannot be computed."""
import math

import torch
from torch.nn.functional import log_softmax

import curvature
import methods
import replay
from problem import State

SETS = ("forget", "retain", "test")


def norm(vector):
    return float(torch.linalg.vector_norm(vector))


def ratio(above, below):
    return above / below if below > 0 else None


def root(value):
    return math.sqrt(value) if value >= 0 else None


def mean(values):
    return None if not values or None in values else sum(values) / len(values)


class Rows:
    """All rows of one cell."""

    def __init__(self, problem, original=None):
        self.problem, self.cell = problem, problem.cell
        self.steps = self.cell["measure.steps"] or [problem.num_steps]
        last = max(self.steps)
        self.original = original or self.train(last)
        self.m, self.track = self.original
        self.left = replay.left(problem, self.m)
        self.m_prime = self.m if self.is_control() else replay.retrained(problem, last)
        self.start = self.m[0]
        self.corrections = {}

    def train(self, last):
        states = replay.originals(self.problem, last)
        return states, curvature.Track(self.problem, states) if self.cell["measure.sigma"] != "none" else None

    def correction(self, step):
        if step not in self.corrections:
            self.corrections[step] = methods.correction(self.problem, self.m, step)
        return self.corrections[step]

    def is_control(self):
        return self.cell["forget.kind"] in ("none", "ghost")

    def pair(self, step):
        touched = self.problem.touched(step)
        skipped = [s for s in touched if not self.problem.left_of(s)]
        fresh = self.cell["retrain.kind"] == "fresh"
        row = {"step": step, "lr": self.problem.lr(max(step - 1, 0)), "num_touched_steps": len(touched),
               "num_forgotten_draws": sum(len(self.problem.forgotten_of(s)) for s in touched),
               "num_skipped_steps": len(skipped),
               "status": "ok" if touched or self.is_control() or fresh else "not_yet_seen"}
        change = self.correction(step)
        row |= self.distances(step, change)
        row |= self.curvature(step, row["lr"])
        row |= self.unlearning_errors(step, row)
        row |= self.gradient_estimates(step, touched)
        return row | self.outputs(step, change)

    def distances(self, step, change):
        w, w1, w0 = self.m[step].weights, self.m_prime[step].weights, self.start.weights
        error, gap = w + change - w1, w - w1
        buffers = self.left[step].buffers - self.m_prime[step].buffers
        verification, nothing, corrected = norm(error), norm(gap), norm(change)
        return {"verification_error": verification, "no_unlearning_distance": nothing,
                "fraction_left": ratio(verification, nothing), "relative_error": ratio(verification, norm(w1)),
                "cosine": ratio(float(change @ -gap), corrected * nothing),
                "verification_error_with_buffers": norm(torch.cat([error, buffers])),
                "no_unlearning_distance_with_buffers": norm(torch.cat([gap, buffers])),
                "correction_norm": corrected, "distance_from_start": norm(w - w0), "norm_retrained": norm(w1)}

    def curvature(self, step, lr):
        names = ("lambda_max", "lambda_min", "sigma", "sigma_sqrt", "sigma_residual", "sigma_rolling",
                 "sigma_sqrt_rolling", "eta_lambda_max")
        if not self.track:
            return dict.fromkeys(names) | {"sigma_mode": ""}
        now, kept = self.track.at(step), self.track.kept(step)
        self.problem.clock = max(step - 1, 0)
        evaluates = self.cell["measure.sigma_mode"] == "eval" or not self.problem.uses_batch()
        values = (now.high, now.low, abs(now.dominant), root(now.dominant), now.residual,
                  mean([abs(s.dominant) for s in kept]), mean([root(s.dominant) for s in kept]), lr * now.high)
        mode = ("eval" if evaluates else "train") if self.problem.has_batchnorm else "none"
        return dict(zip(names, [None if v is None or math.isnan(v) else v for v in values])) | {"sigma_mode": mode}

    def unlearning_errors(self, step, row):
        """eta^p (T - 1) h ||w_T - w_0|| sigma (METHODS 1.0, 3.2)."""
        result, eta = {}, row["lr"]
        constant = self.cell["train.schedule"] == "constant"
        for root_name, s in (("abs", "sigma"), ("sqrt", "sigma_sqrt")):
            for half_name, half in (("half", 0.5), ("full", 1)):
                for power in (2, 1):
                    for rolling in ("", "_rolling"):
                        name = f"ue_{root_name}_{half_name}_eta{power}{rolling}"
                        name = {"ue_abs_half_eta2": "unlearning_error",
                                "ue_sqrt_half_eta2": "unlearning_error_published"}.get(name, name)
                        sigma = row[s + rolling] if step > 0 else 0
                        value = None if sigma is None or not constant else (
                            eta**power * max(step - 1, 0) * half * row["distance_from_start"] * sigma)
                        result[name] = value
        for name, s in (("ue_constant", "sigma"), ("ue_constant_published", "sigma_sqrt")):
            sigma = row[s] if step > 0 else 0
            result[name] = None if sigma is None or not constant else (
                eta**2 * (self.problem.num_steps - 1) / 2 * row["distance_from_start"] * sigma)
        result |= {"ue_checkpointed": self.checkpointed(step, eta, 0.5, abs),
                   "ue_checkpointed_published": self.checkpointed(step, eta, 1, root)}
        return result | {"eta2_steps": eta**2 * step if constant else None}

    def checkpointed(self, step, eta, half, sigma_of):
        """Segment by segment between multiples of checkpoint_every (METHODS A12)."""
        every = self.cell["measure.sigma_every"]
        asked = self.cell["unlearn.rule"] == "checkpoint" and self.cell["train.schedule"] == "constant"
        if not asked or not every or not self.track:
            return None
        total, segment = 0, self.cell["unlearn.checkpoint_every"]
        for start in range(0, step, segment):
            end = min(start + segment, step)
            sigmas = [sigma_of(self.track.at(s).dominant) for s in range(start + 1, end + 1) if s % every == 0]
            moved = norm(self.m[end].weights - self.m[start].weights)
            if end > max(start, 1):
                if mean(sigmas) is None:
                    return None
                total += eta**2 * half * (end - max(start, 1)) * moved * mean(sigmas)
        return total

    def gradient_estimates(self, step, touched):
        result = {"one_hvp_proxy": None, "one_hvp_proxy_first": None, "growth_bound": None, "growth_bound_exact": 0,
                  "eta_gradient_norm": None}
        problem, asked = self.problem, self.track and self.cell["measure.one_hvp"] and self.has_proxy(touched)
        constant = self.cell["train.schedule"] == "constant"
        if not touched:
            if asked:
                result |= {"one_hvp_proxy": 0, "one_hvp_proxy_first": 0 if constant else None}
            return result
        k = touched[0]
        g = problem.forgotten_gradient(self.start, k)
        result["eta_gradient_norm"] = problem.lr(k) * norm(g)
        if asked:
            hessian = curvature.of_rows(problem, self.start, 0, self.track.fixed_rows())
            result["one_hvp_proxy"] = self.one_hvp(step, touched, hessian)
            if constant:
                result["one_hvp_proxy_first"] = problem.lr(k) ** 2 * (step - 1) * norm(hessian(g))
        every = self.cell["measure.sigma_every"]
        if every and self.track and len(touched) == 1 and self.cell["unlearn.method"] == "single-gradient":
            apart = self.cell["train.weight_decay"] != 0 and self.cell["train.l2_in"] == "optimizer"
            plain = self.cell["train.momentum"] == 0 and not apart
            own = self.cell["measure.hessian"] == "batch"
            growth = 1
            for s in range(k + 1, step):
                clock = s + 1 if own else s  # the batch of step s is current at clock s + 1
                growth *= 1 + problem.lr(s) * abs(self.track.at(clock - clock % every).dominant)
            result["growth_bound"] = problem.lr(k) * norm(problem.forgotten_gradient(self.m[k], k)) * (growth - 1)
            at_step = self.cell["unlearn.rule"] == "grad-list" and self.has_proxy(touched)  # gradients at w_k, as M's
            result["growth_bound_exact"] = int(every == 1 and own and plain and (at_step or k == 0))
        return result

    def has_proxy(self, touched):
        """It is derived for gradients at w_0 or where M met them, and not for parts of batches as published."""
        if self.cell["unlearn.method"] != "single-gradient":
            return False
        whole = not any(self.problem.left_of(s) for s in touched)
        known = self.cell["unlearn.rule"] == "epoch-scaled" or (
            self.cell["unlearn.rule"] == "grad-list" and self.cell["unlearn.gradient_at"] == "pre-step")
        known = known and self.cell["unlearn.gradient_of"] == "forget"
        return known and (whole or self.cell["unlearn.form"] == "difference")

    def one_hvp(self, step, touched, hessian):
        """With d_s = w_s - w'_s and r the rate: a touched step adds -r_s g_s(w_s), g_s(w_s) = g_s(w_0) + J_s (w_s -
        w_0), and every later step u takes r_u H d_u away. So w'' - w' = d_T + sum r_s g_s(w_0) is to second order in r
        sum_s r_s (sum_{u > s} r_u) H g_s - sum_s r_s J_s (w_s - w_0); without the
        J_s if the g_s(w_s) are added back."""
        problem = self.problem
        total = torch.zeros_like(self.start.weights)
        for s in touched:
            later = sum(problem.lr(u) for u in range(s + 1, step))
            total += problem.lr(s) * later * problem.forgotten_gradient(self.start, s)
        total = hessian(total)
        for s in touched if self.cell["unlearn.rule"] == "epoch-scaled" else []:
            jacobian = curvature.of_forgotten(problem, self.start, s)
            total -= problem.lr(s) * jacobian(self.m[s].weights - self.start.weights)
        return norm(total)

    def outputs(self, step, change):
        names = [f"{part}_{name}" for part in SETS for name in (
            "accuracy_original", "accuracy_retrained", "accuracy_unlearned", "accuracy_unlearned_reestimated",
            "loss_original", "loss_retrained", "loss_unlearned", "kl", "js", "logits_l2",
            "risk_original", "risk_retrained", "risk_unlearned")]  # risks: privacy_test.py
        result = dict.fromkeys(names)
        if not self.cell["measure.outputs"]:
            return result
        m, m1 = self.left[step], self.m_prime[step]
        m2 = replay.unlearned(self.left, step, change)
        retain = self.evaluated("retain", step)[2]
        models = {"original": m, "retrained": m1, "unlearned": m2}
        if self.problem.has_batchnorm and retain:
            models["unlearned_reestimated"] = self.reestimated(m2, retain)
        logits = {}
        for model, state in models.items():
            for part in SETS:
                x, y, rows = self.evaluated(part, step)
                if not rows:
                    continue
                z = logits[model, part] = self.logits(state, x[rows])
                label = y[rows]
                result[f"{part}_accuracy_{model}"] = float((z.argmax(1) == label).double().mean())
                if model != "unlearned_reestimated":
                    result[f"{part}_loss_{model}"] = float(torch.nn.functional.cross_entropy(z, label))
        for part in SETS:
            if ("retrained", part) in logits:
                result |= {f"{part}_{k}": v for k, v in divergences(logits["retrained", part],
                                                                   logits["unlearned", part]).items()}
        return result

    def evaluated(self, part, step):
        data, limit = self.problem.data, self.cell["measure.eval_rows"]
        gone = self.problem.forgotten
        if self.cell["forget.kind"] == "step":
            gone = sorted(self.problem.batch(self.cell["forget.index"][0]))
        if part == "test":
            return data.x_test, data.y_test, list(range(len(data.y_test)))[:limit]
        rows = gone if part == "forget" else [r for r in self.problem.rows if r not in gone][:limit]
        return data.x_train, data.y_train, rows

    def logits(self, state, x):
        net = self.problem.load(state).eval()
        with torch.no_grad():
            return net(x)

    def reestimated(self, state, rows):
        net = self.problem.load(state)
        norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        for module in norms:
            module.momentum = 1
        with torch.no_grad():
            net.train()(self.problem.data.x_train[rows])
        for module in norms:
            module.momentum = 0.1
        return State(state.weights, self.problem.state().buffers)

    def layers(self, step):
        change = self.correction(step)
        error = self.m[step].weights + change - self.m_prime[step].weights
        gap = self.m[step].weights - self.m_prime[step].weights
        result, at = [], 0
        for name, parameter in self.problem.net.named_parameters():
            part = slice(at, at := at + parameter.numel())
            result.append({"step": step, "layer": name, "num_parameters": parameter.numel(),
                           "verification_error": norm(error[part]), "no_unlearning_distance": norm(gap[part]),
                           "relative_error": norm(error[part]) / (norm(self.m_prime[step].weights[part]) + 1e-12)})
        return result


def divergences(z_retrained, z_unlearned):
    p, q = log_softmax(z_retrained, 1), log_softmax(z_unlearned, 1)
    m = torch.logsumexp(torch.stack([p, q]), 0) - math.log(2)
    kl = (p.exp() * (p - q)).sum(1)
    js = 0.5 * (p.exp() * (p - m)).sum(1) + 0.5 * (q.exp() * (q - m)).sum(1)
    return {"kl": float(kl.mean()), "js": float(js.mean()),
            "logits_l2": float((z_retrained - z_unlearned).norm(dim=1).mean())}
