"""What unlearning methods leave of a forgotten batch, as the learning rate falls (optdigits, double precision; the
studies beside this file say in which range). Plain SGD on smooth nets: the verification error of single-gradient falls
as lr^2, that of the first-order unroll and the published proxy as lr^3. With momentum 0.9 single-gradient leaves most of
the batch; the exact factor removes it to first order where M' coasts through the skipped step, and where M' freezes it
leaves the velocity that M' lost; the first-order unroll removes both. relu has no second derivative at its kinks:
printed only.

    methods_test.py      environment: UNROLL_PROGRAM = path of unroll"""
import sys
import tempfile

import numpy

import laws_test

MARGIN = 0.15
MOST_CURVED = 0.5  # lr * lambda_max * T
KEYS = ("model.arch", "model.activation", "forget.index", "retrain.skip", "unlearn.method", "unlearn.correction")


def groups(tables):
    """Rates and columns [rate, seed] by net, and by the other keys and the step."""
    cells, pairs = tables["cells"], tables["pairs"]
    assert all(status == b"ok" for status in pairs["status"])
    found = {}
    for row, cell in enumerate(pairs["cell"]):
        arch, activation, *others = (cells[key][cell].decode() for key in KEYS)
        name = ("linear" if arch == "linear" else activation, *others, int(pairs["step"][row]))
        found.setdefault(name, {}).setdefault(float(cells["train.lr"][cell]), []).append(row)
    for name, by_rate in sorted(found.items()):
        rates = numpy.array(sorted(by_rate))
        rows = numpy.array([by_rate[rate] for rate in rates])
        yield name, rates, {column: values[rows] for column, values in pairs.items()
                            if values.dtype.kind == "f" or column == "step"}


def check_methods(tables, broken):
    print(f"{'net':7}{'index':6}{'T':>3}  {'method':16}{'VE':>7}{'UE pub.':>9}{'left':>10}{'lr lambda T':>13}")
    for (net, index, _, method, _, step), rates, columns in groups(tables):
        ve = laws_test.slope(rates, columns["verification_error"])
        proxy = laws_test.slope(rates, columns["unlearning_error_published"])
        curved = (rates[:, None] * columns["lambda_max"] * step).max()
        print(f"{net:7}{index:6}{step:3}  {method:16}{ve:7.3f}{proxy:9.3f}{columns['fraction_left'].max():10.2e}"
              f"{curved:13.2f}")
        if net == "relu":
            continue
        wanted = {"single-gradient": 2, "first-order": 3}[method]
        where = f"{net}, batch {index}, step {step}, {method}"
        if curved > MOST_CURVED:
            broken.append(f"{where}: lr * lambda_max * T is {curved:.2f}, out of the range of the laws")
        if not abs(ve - wanted) <= MARGIN:
            broken.append(f"{where}: slope of the verification error is {ve:.3f}, must be {wanted} +- {MARGIN}")
        if not abs(proxy - 3) <= MARGIN:
            broken.append(f"{where}: slope of the published proxy is {proxy:.3f}, must be 3 +- {MARGIN}")


def check_momentum(tables, broken):
    print("\nmomentum 0.9; T-k: steps from the batch on; left: of ||M - M'||, at the smallest and the largest rate")
    print(f"{'net':7}{'T-k':>4} {'skip':8}{'method':18}{'VE':>7}{'left':>10}{'left':>10}")
    for (net, index, skip, method, correction, step), rates, columns in groups(tables):
        ve = laws_test.slope(rates, columns["verification_error"])
        left = columns["fraction_left"].mean(axis=1)
        name = method if method == "first-order" else "single, " + correction
        print(f"{net:7}{step - int(index):4} {skip:8}{name:18}{ve:7.3f}{left[0]:10.2e}{left[-1]:10.2e}")
        where = f"{net}, batch {index}, {skip}, {name}"
        if name == "single, none" and not columns["fraction_left"].min() > 0.5:
            broken.append(f"{where}: leaves {columns['fraction_left'].min():.3f}, must be most of ||M - M'||")
        if name == "single, exact" and skip == "coast" or method == "first-order":
            wanted = 3 if method == "first-order" else 2
            if not abs(ve - wanted) <= MARGIN:
                broken.append(f"{where}: slope of the verification error is {ve:.3f}, must be {wanted} +- {MARGIN}")
        if name == "single, exact" and skip == "freeze" and step - int(index) < 15 and not abs(ve - 1) <= MARGIN:
            broken.append(f"{where}: slope is {ve:.3f}, must be 1 +- {MARGIN}: lost velocity is no gradient of F")


def main():
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        check_methods(laws_test.run("methods", folder), broken)
        check_momentum(laws_test.run("momentum", folder), broken)
    print("\n".join(broken) if broken else "all laws hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
