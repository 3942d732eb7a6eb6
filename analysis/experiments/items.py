"""What the page shows of each study: the figures, and which computed sentences stand below them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from ..names import UE, VE
from ..sections import correlations, proxies
from ..study import Study
from . import sentences
from .figures import caption_of, lines

GAMMA = "loss.gamma"
SMOOTH_RATE = 0.01  #: slopes are fitted up to this learning rate, where eta lambda_max T is below about 0.5
ACCURACY = "test_accuracy_original"

Shown = tuple[Figure, str]


@dataclass(frozen=True)
class Item:
    """One study: its name in the results folder, its title, what it asks, and what is drawn and said of it."""

    study: str
    title: str
    asks: str
    draw: Callable[[Study], list[Shown]]
    say: Callable[[Study], list[str | pd.DataFrame]]


def _lines(axis: str, columns: tuple[str, ...], second: str | None = None):
    def draw(study: Study) -> list[Shown]:
        figure = lines(study, axis, columns, second)
        return [] if figure is None else [(figure, caption_of(axis, columns, second))]

    return draw


def _section(make: Callable) -> Callable[[Study], list[Shown]]:
    """The pictures of a section of the report."""
    return lambda study: [(picture.figure, picture.caption) for picture in make(study).pictures]


def _both(*draws: Callable[[Study], list[Shown]]) -> Callable[[Study], list[Shown]]:
    return lambda study: [shown for draw in draws for shown in draw(study)]


def _along(axis: str) -> Callable[[Study], list[str]]:
    return lambda study: sentences.ratios(study) + sentences.effect(study, axis)


def _of_gamma(study: Study) -> list[str]:
    return _along(GAMMA)(study) + sentences.difference(study, GAMMA, ACCURACY, "Test accuracy of M")


def _of_checkpoints(study: Study) -> list[str]:
    found = _along(GAMMA)(study)
    rows = study.last
    if "ue_checkpointed" in rows:
        scaled = rows.assign(_of=rows["ue_checkpointed"] / rows[VE], _published=rows["ue_checkpointed_published"] / rows[VE])
        found += sentences.levels(scaled, [GAMMA], "_of", "Checkpointed unlearning error over verification error")
        found += sentences.levels(scaled, [GAMMA], "_published", "The same as published")
    return found


def _of_positions(study: Study) -> list:
    return _along("forget.index")(study) + sentences.left(study, ("train.momentum",))


def _of_accuracy(study: Study) -> list[str]:
    rows = study.pairs[study.pairs["step"] == study.pairs["step"].max()]
    return sentences.difference(study, GAMMA, ACCURACY, "Test accuracy of M at the last step", rows)


def _of_risk(study: Study) -> list[str]:
    by = [axis for axis in study.axes if axis.startswith("prs.")]
    rows, found = study.last, []
    rows = rows[rows[GAMMA] == rows[GAMMA].min()]
    for name in ("retain", "test"):
        found += sentences.levels(rows, by, f"{name}_risk_original", f"Risk of M on the {name} set at the smallest γ")
    return found


def _of_sweep(study: Study) -> list[str]:
    return _along("unlearn.rule")(study)


def _of_scaling(study: Study) -> list:
    columns = (VE, UE, "one_hvp_proxy", "growth_bound")
    rate = f"Power of the learning rate, fitted seed by seed up to {SMOOTH_RATE:g}:"
    return [rate, *sentences.slopes(study, columns, ("model.activation", "forget.index"), SMOOTH_RATE)]


def _of_first_order(study: Study) -> list:
    by = ("model.activation", "unlearn.method", "forget.index")
    rate = f"Power of the learning rate, fitted seed by seed up to {SMOOTH_RATE:g}:"
    return [rate, *sentences.slopes(study, (VE,), by, SMOOTH_RATE)]


def _of_momentum(study: Study) -> list:
    return sentences.left(study, ("train.momentum", "unlearn.correction", "forget.index"))


def _of_coupling(study: Study) -> list:
    return sentences.ratios(study) + sentences.left(study, ("pretrain.on", "retrain.kind", "train.lr"))


ERRORS = (VE, UE)
ITEMS = (
    Item(
        "e01_correlation",
        "E1: correlation",
        "The paper's main experiment: both errors over γ.",
        _both(_lines(GAMMA, (*ERRORS, ACCURACY)), _section(correlations.section)),
        lambda study: _of_gamma(study) + sentences.prediction(study),
    ),
    Item(
        "e01_resnet18",
        "E1 with the paper's network: resnet18",
        "Signs only: so few seeds say nothing of a correlation.",
        _lines(GAMMA, ERRORS),
        _of_gamma,
    ),
    Item(
        "e02_older_protocol",
        "E2: the older protocol",
        "Momentum 0.9 and weight decay, the gradient at w₀ added once for each epoch.",
        _lines("step", ERRORS, GAMMA),
        _along(GAMMA),
    ),
    Item(
        "e03_checkpointed",
        "E3: checkpointed",
        "The unlearning error summed up over checkpoints, beside the plain one.",
        _lines("step", (VE, UE, "ue_checkpointed"), GAMMA),
        _of_checkpoints,
    ),
    Item(
        "e04_cumulative",
        "E4: cumulative",
        "T from 10 to 49, the gradient at the final weights.",
        _lines("step", ERRORS, GAMMA),
        _along(GAMMA),
    ),
    Item(
        "e05_position_sweep",
        "E5: where the forgotten batch stands",
        "Every position of the forgotten batch, with and without momentum.",
        _lines("forget.index", ERRORS, "train.momentum"),
        _of_positions,
    ),
    Item(
        "e06_from_scratch",
        "E6: the proxy from scratch",
        "From the initialisation, with and without a decaying γ.",
        _lines("step", ERRORS, GAMMA),
        _along(GAMMA),
    ),
    Item(
        "e07_pretraining",
        "E7: pretraining",
        "What the SD loss costs in accuracy. Nothing is forgotten here.",
        _lines("step", (ACCURACY,), GAMMA),
        _of_accuracy,
    ),
    Item(
        "e08_privacy_risk",
        "E8 and E9: privacy risk scores",
        "Shadow models and mean risk of members (retained rows) and others (test rows), as published and as in theory.",
        _lines(GAMMA, ("retain_risk_original", "test_risk_original"), "prs.shadow"),
        _of_risk,
    ),
    Item(
        "e10_risk_and_verification",
        "E10: privacy risk scores against the verification error",
        "Does a smaller verification error go with a smaller risk?",
        _lines(GAMMA, (VE, "forget_risk_original", "forget_risk_unlearned"), "unlearn.gradient_of"),
        lambda study: sentences.ratios(study) + sentences.effect(study, GAMMA, (VE, "forget_risk_unlearned")),
    ),
    Item(
        "e11_sweep_over_t",
        "E11: sweep over T",
        "T from 20 to 499, the gradient at w₀ and at the final weights (A11).",
        _lines("step", (VE, "forget_risk_unlearned"), "unlearn.rule"),
        _of_sweep,
    ),
    Item(
        "e12_imdb",
        "E12: IMDB",
        "A linear head on TF-IDF vectors of reviews over the paper's γ.",
        _lines(GAMMA, (*ERRORS, ACCURACY)),
        _of_gamma,
    ),
    Item(
        "a_prediction",
        "a. Does the proxy predict the verification error?",
        "At fixed T and learning rate, over seeds, beside what needs no Hessian.",
        _section(correlations.section),
        sentences.prediction,
    ),
    Item(
        "b_scaling",
        "b. How do the estimates scale?",
        "On smooth nets the published proxy should go with the learning rate's cube, the verification error with its square.",
        _both(_lines("train.lr", (VE, UE, "one_hvp_proxy"), "model.activation"), _section(proxies.section)),
        _of_scaling,
    ),
    Item(
        "c_momentum",
        "c. Momentum and weight decay",
        "What one gradient leaves of ‖M − M′‖, with and without the exact factor, for an early and a late batch.",
        _lines("train.momentum", (VE, "fraction_left"), "unlearn.correction"),
        _of_momentum,
    ),
    Item(
        "d_first_order",
        "d. The first-order unroll",
        "One order higher in the learning rate on smooth nets; relu nets have gradients that jump.",
        _lines("train.lr", (VE, "fraction_left"), "unlearn.method"),
        _of_first_order,
    ),
    Item(
        "e_equal_accuracy",
        "e. The SD loss at equal accuracy",
        "γ shrinks or stretches all distances, and accuracy with them: what is left of its effect where those are equal?",
        _lines(GAMMA, (VE, "fraction_left", ACCURACY)),
        _of_gamma,
    ),
    Item(
        "f_coupling",
        "f. Coupled and uncoupled retrains",
        "Is M′ trained on M's own batches without the forgotten one, or on what is left, batched anew?",
        _lines("step", (VE, "fraction_left", "eta_lambda_max"), "retrain.kind"),
        _of_coupling,
    ),
)
