"""What columns and axes are called in figures and tables.

Units are those of the results file: "1" is no unit. Symbols as in the paper (arXiv 2109.13398): w_T are the weights of the
original model M after T steps, w' of the retrained M', w'' of the unlearned M'', eta the learning rate, g* the gradient of
the forget set, sigma the size of the Hessian's top eigenvalue.
"""

from __future__ import annotations

VE = "verification_error"
UE = "unlearning_error"

LABELS: dict[str, str] = {
    VE: "verification error ‖w′ − w″‖",
    UE: "unlearning error η²(T−1)/2 ‖w_T − w₀‖ σ",
    "fraction_left": "fraction left ‖w′ − w″‖ / ‖w − w′‖",
    "no_unlearning_distance": "no unlearning ‖w − w′‖",
    "eta2_steps": "η²T",
    "distance_from_start": "‖w_T − w₀‖",
    "eta_gradient_norm": "η‖g*‖",
    "correction_norm": "‖w″ − w‖",
    "one_hvp_proxy": "one-HVP estimate",
    "growth_bound": "growth bound",
    "unlearning_error_published": "unlearning error as published (√λ)",
    "ue_checkpointed": "checkpointed unlearning error",
    "eta_lambda_max": "η λ_max",
    "test_accuracy_original": "test accuracy of M",
    "forget_risk_original": "risk of M on the forget set",
    "forget_risk_unlearned": "risk of M″ on the forget set",
    "retain_risk_original": "risk of M on the retain set",
    "test_risk_original": "risk of M on the test set",
    "relative_error": "relative error ‖w′ − w″‖ / ‖w′‖",
    "step": "steps T",
    "seed": "seed",
    "train.lr": "learning rate η",
    "train.batch": "batch size",
    "train.momentum": "momentum",
    "train.weight_decay": "weight decay",
    "loss.gamma": "γ of the SD loss",
    "forget.index": "position of the forget set",
    "unlearn.rule": "unlearning rule",
    "unlearn.method": "unlearning method",
    "unlearn.form": "form of the correction",
    "unlearn.correction": "correction of momentum and decay",
    "floor_ulp": "floor (0): one ulp",
    "floor_repeat": "floor (i): repeat",
    "floor_order": "floor (ii): other order",
    "floor_init": "floor (iii): other w₀",
}
UNITS: dict[str, str] = {"step": "SGD steps", "forget.index": "index", "train.batch": "examples"}

#: Whatever a proxy tells of the verification error must be more than these do (METHODS: trivial predictors).
TRIVIAL: tuple[str, ...] = ("eta2_steps", "distance_from_start", "eta_gradient_norm", "correction_norm")
#: Estimates of the verification error that need no retraining.
PROXIES: tuple[str, ...] = (UE, "one_hvp_proxy", "growth_bound")
PREDICTORS: tuple[str, ...] = (*PROXIES, *TRIVIAL)

LATEX: dict[str, str] = {
    "‖": r"$\|$",
    "′": r"$'$",
    "″": r"$''$",
    "−": "$-$",
    "η": r"$\eta$",
    "γ": r"$\gamma$",
    "σ": r"$\sigma$",
    "λ": r"$\lambda$",
    "ρ": r"$\rho$",
    "²": "$^2$",
    "₀": "$_0$",
    "√": r"$\surd$",
    "×": r"$\times$",
    "–": "--",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "·": r"$\cdot$",
    "≈": r"$\approx$",
}


def short(name: str) -> str:
    """`lr` for `train.lr`."""
    return name.split(".", 1)[-1]


def label(name: str) -> str:
    """A column's or an axis's name for people."""
    return LABELS.get(name, name.replace("_", " ") if "." not in name else name)


def plain(name: str) -> str:
    """The label without its formula."""
    return label(name).split(" ‖")[0].split(" η²(")[0]


def capital(text: str) -> str:
    """A sentence's first letter; symbols stay as they are."""
    return text[0].upper() + text[1:] if text[0].isascii() else text


def label_with_unit(name: str, units: dict[str, str] | None = None) -> str:
    """The label of a figure's axis: name and, in brackets, unit; [1] is no unit."""
    unit = UNITS.get(name) or (units or {}).get(name) or "1"
    return f"{label(name)}  [{unit}]"


def number(value: object) -> str:
    """A number with as many digits as people read."""
    if isinstance(value, (int,)) or not isinstance(value, float):
        return str(value)
    if value != value:  # NaN
        return "–"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.3g}"
    return f"{value:.4g}"
