"""The laws in the learning rate that hold for small steps of smooth nets (optdigits, double precision, plain SGD; see
the studies beside this file for the range): at a fixed step the verification error grows as lr^2, both forms of the
unlearning error as lr^3, and the fraction of ||M - M'|| that is left goes to 0 as lr. Slopes are those of straight
lines through log lr and the mean log over seeds. relu and the published form on scattered examples: printed only.

    laws_test.py      environment: UNROLL_PROGRAM = path of unroll"""
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

STUDIES = ("batch", "examples", "classes")
LAWS = {"verification_error": (1.9, 2.1), "unlearning_error_published": (2.85, 3.15), "unlearning_error": (2.85, 3.15),
        "fraction_left": (0.9, 1.1)}
MOST_CURVED = 0.5  # lr * lambda_max * T up to which the laws are claimed
NUM_RATES = 4


def run(study, folder):
    config = pathlib.Path(__file__).with_name(study + ".ini")
    results = pathlib.Path(folder) / study
    done = subprocess.run([os.environ["UNROLL_PROGRAM"], "run", str(config), "--output", str(results)],
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"unroll run {config}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    with h5py.File(results / "results.h5") as file:
        return {table: {name: column[()] for name, column in file[table].items()} for table in ("cells", "pairs")}


def curves(study, tables):
    """One a network, forget set, form and step: name, claimed or not, rates, and each law's values [rate, seed]."""
    cells, pairs = tables["cells"], tables["pairs"]
    assert all(status == b"ok" for status in pairs["status"])
    groups = {}
    for i, cell in enumerate(pairs["cell"]):
        text = {key: cells[key][cell].decode() if cells[key].dtype.kind in "SO" else cells[key][cell]
                for key in ("model.arch", "model.activation", "forget.index", "unlearn.form")}
        net = "linear" if text["model.arch"] == "linear" else text["model.activation"]
        name = (net, study, text["forget.index"], text["unlearn.form"], int(pairs["step"][i]))
        groups.setdefault(name, {}).setdefault(float(cells["train.lr"][cell]), []).append(i)
    for name, by_rate in sorted(groups.items()):
        rates = numpy.array(sorted(by_rate))
        assert len(rates) == NUM_RATES and len({len(v) for v in by_rate.values()}) == 1
        rows = numpy.array([by_rate[rate] for rate in rates])
        yield name, rates, {law: pairs[law][rows] for law in (*LAWS, "one_hvp_proxy")}, (
            rates[:, None] * pairs["lambda_max"][rows] * name[-1]).max()


def slope(rates, values):
    return numpy.polyfit(numpy.log(rates), numpy.log(values).mean(axis=1), 1)[0]


def main():
    broken = []
    print(f"{'net':7}{'forgets':9}{'index':24}{'form':11}{'T':>3}{'VE':>8}{'UE pub.':>8}{'UE':>8}{'left':>8}"
          f"{'lr lambda T':>13}{'one HVP / VE':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for study in STUDIES:
            for name, rates, values, curved in curves(study, run(study, folder)):
                slopes = {law: slope(rates, values[law]) for law in LAWS}
                net, _, index, form, step = name
                proxy = numpy.exp(numpy.log(values["one_hvp_proxy"] / values["verification_error"]).mean())
                print(f"{net:7}{study:9}{index:24}{form:11}{step:3}" + "".join(f"{slopes[law]:8.3f}" for law in LAWS) +
                      f"{curved:13.2f}{proxy:14.3f}")
                if net == "relu" or form == "published":
                    continue
                if curved > MOST_CURVED:
                    broken.append(f"{name}: lr * lambda_max * T is {curved:.2f}, out of the range of the laws")
                broken += [f"{name}: slope of {law} is {slopes[law]:.3f}, must be in [{low}, {high}]"
                           for law, (low, high) in LAWS.items() if not low <= slopes[law] <= high]
    print("\n".join(broken) if broken else "all laws hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
