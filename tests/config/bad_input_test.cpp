// What a user can get wrong: each is one line that names the place, the key, the value and what is allowed.
#include <algorithm>

#include "study_file.hpp"
#include "support/catch.hpp"
#include "unroll/base/text.hpp"

using namespace unroll::config;

namespace {

struct BadInput {
  std::string text;
  std::string error;  // the start of the message, FILE for the path
};

const BadInput kBadInputs[] = {
    // the file as text
    {"", "FILE: sets no key: an empty study"},
    {"\n# only a comment\n", "FILE: sets no key: an empty study"},
    {"train.lr\n", "FILE:1: train.lr: must be key = value or [section]"},
    {"[train]\n= 3\n", "FILE:2: = 3: must be key = value or [section]"},
    {"[train\nlr = 1\n", "FILE:1: [train: must be a section: [study], [data]"},
    {"[]\nlr = 1\n", "FILE:1: []: must be a section"},
    {"[tra]\nlr = 1\n", "FILE:1: [tra]: must be a section"},
    {"lr = 1\n", "FILE:1: lr: unknown key"},
    {"[train]\nlt = 1\n", "FILE:2: train.lt: unknown key; did you mean train.lr?"},
    {"[train]\nLR = 1\n", "FILE:2: train.LR: unknown key; did you mean train.lr?"},
    {"[loss]\ngama = 1\n", "FILE:2: loss.gama: unknown key; did you mean loss.gamma?"},
    {"[study]\nseed = 1\n", "FILE:2: study.seed: unknown key; did you mean study.seeds?"},
    {"[seed]\naugment = 1\n", "FILE:2: seed.augment: unknown key"},
    {"[run]\ngather = gloo\n", "FILE:2: run.gather = gloo: must be one of auto, nccl, mpi"},
    {"[train]\nlr =\n", "FILE:2: train.lr: has no value; give one or remove the key"},
    {"[train]\nlr = # 0.1\n", "FILE:2: train.lr: has no value"},
    {"[train]\nlr = 0.1\nbatch = 8\nlr = 0.1\n", "FILE:4: train.lr = 0.1: was already set at FILE:2"},
    {"[train]\nlr = 0.1\n[loss]\n[train]\nlr = 1\n", "FILE:5: train.lr = 1: was already set at FILE:2"},
    {"[data]\npath = /a#b\n", "FILE:2: path = /a#b: put a blank before # where a comment starts"},
    {"[data]\npath = /a;b\n", "FILE:2: path = /a;b: put a blank before ; where a comment starts"},
    {std::string("[train]\nlr = 0.1\0\n", 18), "FILE:2: holds a control character (such as NUL)"},
    {"[train]\rlr = 0.1\r", "FILE:1: holds a control character"},
    {"[train]\n\nlr = 0.1 # \xFF\n", "FILE:3: is not UTF-8"},
    {"\xFF\xFE[\0", "FILE:1: is not UTF-8"},
    {std::string(1 << 20, '#') + "\n", "FILE: is larger than 1048576 bytes"},
    // single values
    {"[train]\nlr = nan\n", "FILE:2: train.lr = nan: must be a finite number > 0"},
    {"[train]\nlr = inf\n", "FILE:2: train.lr = inf: must be a finite number > 0"},
    {"[train]\nlr = 0\n", "FILE:2: train.lr = 0: must be a finite number > 0"},
    {"[train]\nlr = -0.1\n", "FILE:2: train.lr = -0.1: must be a finite number > 0"},
    {"[train]\nlr = 0.1x\n", "FILE:2: train.lr = 0.1x: must be a finite number > 0"},
    {"[train]\nlr = 1e999\n", "FILE:2: train.lr = 1e999: must be a finite number > 0"},
    {"[train]\nlr = 0.1 0.2\n", "FILE:2: train.lr = 0.1 0.2: must be a finite number > 0"},
    {"[train]\nlr = 0.1,\n", "FILE:2: train.lr = 0.1,: an empty value must be a finite number > 0"},
    {"[train]\nlr = 0.1, x\n", "FILE:2: train.lr = 0.1, x: x must be a finite number > 0"},
    {"[train]\nlr = 0.1, 0.10\n", "FILE:2: train.lr = 0.1, 0.10: has the value 0.1 twice"},
    {"[train]\nmomentum = 1\n", "FILE:2: train.momentum = 1: must be a number >= 0 and < 1"},
    {"[train]\nweight_decay = -1\n", "FILE:2: train.weight_decay = -1: must be a finite number >= 0"},
    {"[train]\nbatch = 0\n", "FILE:2: train.batch = 0: must be a whole number from 1 to 2147483647"},
    {"[train]\nbatch = 1.5\n", "FILE:2: train.batch = 1.5: must be a whole number from 1 to 2147483647"},
    {"[train]\nbatch = 99999999999999999999\n",
     "FILE:2: train.batch = 99999999999999999999: must be a whole number from 1 to 2147483647"},
    {"[train]\nsteps = 2147483648\n", "FILE:2: train.steps = 2147483648: must be a whole number from 1 to 2147483647"},
    {"[train]\nepochs = 0x10\n", "FILE:2: train.epochs = 0x10: must be a whole number"},
    {"[train]\nschedule = linear\n", "FILE:2: train.schedule = linear: must be one of constant, step, cosine"},
    {"[loss]\nkind = mse\n", "FILE:2: loss.kind = mse: must be one of ce, sd, hess"},
    {"[loss]\nkind = sd\ngamma_decay = 0.5\n", "FILE:3: loss.gamma_decay = 0.5: must be a finite number >= 1"},
    {"[loss]\nkind = sd\nsd = sum\n", "FILE:3: loss.sd = sum: must be one of published, mean"},
    {"[unlearn]\ngradient_of = last\n", "FILE:2: unlearn.gradient_of = last: must be forget or last:N (N from 1"},
    {"[loss]\nkind = SD\n", "FILE:2: loss.kind = SD: must be one of ce, sd"},
    {"[loss]\nkind = sd\ngamma = -1\n", "FILE:3: loss.gamma = -1: must be a finite number >= 0"},
    {"[data]\ndataset = imagenet\n",
     "FILE:2: data.dataset = imagenet: must be one of optdigits, mnist, fashion-mnist, cifar10"},
    {"[data]\nmean = 0.5, x\n", "FILE:2: data.mean = 0.5, x: must be 1 to 4096 values separated by commas"},
    {"[data]\nstd = 0\n", "FILE:2: data.std = 0: must be 1 to 4096 values"},
    {"[model]\nhidden = 0\n", "FILE:2: model.hidden = 0: must be a whole number from 1 to 65536, or a list"},
    {"[model]\nhidden = [64\n", "FILE:2: model.hidden = [64: must be a whole number from 1 to 65536"},
    {"[model]\nhidden = []\n", "FILE:2: model.hidden = []: must be a whole number from 1 to 65536"},
    {"[model]\nhidden = [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17]\n",
     "FILE:2: model.hidden = [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17]: must be a whole number from 1 to 65536, or a "
     "list of up to 16"},
    {"[model]\ndtype = float16\n", "FILE:2: model.dtype = float16: must be one of float32, float64"},
    {"[forget]\nindex = -1\n", "FILE:2: forget.index = -1: must be a whole number from 0 to 2147483647"},
    {"[forget]\nindex = [3 3]\n",
     "FILE:2: forget.index = [3 3]: must be a whole number from 0 to 2147483647, or a list"},
    {"[forget]\nkind = batches\n", "FILE:2: forget.kind = batches: must be one of batch, step, examples, class, file"},
    {"[pretrain]\nfraction = 1\n", "FILE:2: pretrain.fraction = 1: must be a number > 0 and < 1"},
    {"[measure]\nhessian = first\n", "FILE:2: measure.hessian = first: must be first:N (N from 1"},
    {"[measure]\nhessian = first:0\n", "FILE:2: measure.hessian = first:0: must be first:N"},
    {"[measure]\nhessian = file:\n", "FILE:2: measure.hessian = file:: must be first:N"},
    {"[measure]\nsteps = 10, -5\n", "FILE:2: measure.steps = 10, -5: must be different whole numbers from 0"},
    {"[measure]\nsteps = 10, 10\n", "FILE:2: measure.steps = 10, 10: must be different whole numbers"},
    {"[measure]\nsteps = 0..2147483647\n", "FILE:2: measure.steps = 0..2147483647: must be different whole numbers"},
    {"[measure]\nlayers = true\n", "FILE:2: measure.layers = true: must be one of no, yes"},
    {"[run]\nlanes = 5000\n", "FILE:2: run.lanes = 5000: must be auto or a whole number from 1 to 4096"},
    {"[run]\nlanes = 1, 2\n", "FILE:2: run.lanes = 1, 2: takes one value, not a list"},
    {"[run]\nthreads = 2\n", "FILE:2: run.threads = 2: must be 1 with model.arch = linear or mlp"},
    {"[run]\nthreads = 0\n", "FILE:2: run.threads = 0: must be a whole number from 1 to 1024"},
    {"[run]\ndevice = gpu\n", "FILE:2: run.device = gpu: must be one of auto, cpu, cuda"},
    {"[seed]\ninit = -1\n", "FILE:2: seed.init = -1: must be a whole number from 0 to 2147483647"},
    {"[study]\nname = a b\n", "FILE:2: study.name = a b: must be 1 to 64 letters"},
    {"[study]\nname = " + std::string(65, 'a') + "\n",
     "FILE:2: study.name = " + std::string(65, 'a') + ": must be 1 to"},
    {"[study]\nseeds = 0..\n", "FILE:2: study.seeds = 0..: must be different whole numbers from 0 to 2147483647"},
    {"[study]\nseeds = 9..0\n", "FILE:2: study.seeds = 9..0: must be different whole numbers"},
    {"[study]\nseeds = 0..4, 3\n", "FILE:2: study.seeds = 0..4, 3: must be different whole numbers"},
    {"[study]\nseeds = 0..2000000000\n", "FILE:2: study.seeds = 0..2000000000: must be different whole numbers"},
    // settings that do not go together
    {"[train]\nepochs = 1\nsteps = 5\n", "FILE:3: train.steps = 5: cannot be set together with train.epochs (FILE:2)"},
    {"[measure]\nsteps = 5\nevery = 2\n",
     "FILE:2: measure.steps = 5: cannot be set together with measure.every (FILE:3)"},
    {"[data]\ndataset = mnist\n", "FILE:2: data.dataset = mnist: needs data.path"},
    {"[order]\nkind = file\n", "FILE:2: order.kind = file: needs order.file"},
    {"[train]\nschedule = step\n", "FILE:2: train.schedule = step: needs train.schedule_every"},
    {"[forget]\nkind = file\n", "FILE:2: forget.kind = file: needs forget.file"},
    {"[forget]\nkind = step\nindex = [1 2]\n", "FILE:3: forget.index = [1 2]: must be a single step"},
    {"[order]\nkind = file\nfile = o.h5\n[retrain]\nkind = fresh\n",
     "FILE:5: retrain.kind = fresh: cannot be fresh with order.kind = file"},
    {"[model]\narch = vgg19\nbatchnorm = frozen\n[pretrain]\non = none\n",
     "FILE:3: model.batchnorm = frozen: cannot be frozen where w_0 has no statistics"},
    {"[data]\ndataset = imdb\npath = x\nfeatures = tfidf\n[pretrain]\non = none\n",
     "FILE:4: data.features = tfidf: is fitted on the rows that pretrain, and pretrain.on = none has none"},
    {"[data]\ndataset = imdb\npath = x\nfeature_columns = 1\n",
     "FILE:4: data.feature_columns = 1: must be a whole number from 2 to 65536"},
    // settings that would be ignored
    {"[loss]\ngamma = 1\n", "FILE:2: loss.gamma = 1: would be ignored: it acts only with loss.kind = sd or hess"},
    {"[loss]\nkind = hess\nsd = mean\n", "FILE:3: loss.sd = mean: would be ignored: it acts only with loss.kind = sd"},
    {"[loss]\nkind = sd\ngamma_decay_every = 5\n",
     "FILE:3: loss.gamma_decay_every = 5: would be ignored: it acts only with loss.kind = sd or hess, and "
     "loss.gamma_decay other than 1"},
    {"[train]\nl2_in = loss\n",
     "FILE:2: train.l2_in = loss: would be ignored: it acts only with train.weight_decay > 0"},
    {"[model]\nbatchnorm = eval-after\n", "FILE:2: model.batchnorm = eval-after: would be ignored"},
    {"[model]\narch = resnet18\nbatchnorm_steps = 3\n", "FILE:3: model.batchnorm_steps = 3: would be ignored"},
    {"[model]\narch = resnet18\n[unlearn]\nstatistics = moved\n",
     "FILE:4: unlearn.statistics = moved: would be ignored: it acts only with unlearn.method = single-gradient, "
     "unlearn.rule = grad-list, "},
    {"[unlearn]\nmethod = first-order\ngradient_of = last:2\n",
     "FILE:3: unlearn.gradient_of = last:2: would be ignored: it acts only with unlearn.method = single-gradient"},
    {"[forget]\nkind = none\n[unlearn]\ngradient_of = last:2\n",
     "FILE:4: unlearn.gradient_of = last:2: would be ignored"},
    {"[train]\nschedule_every = 5\n", "FILE:2: train.schedule_every = 5: would be ignored"},
    {"[order]\nfile = o.h5\n", "FILE:2: order.file = o.h5: would be ignored: it acts only with order.kind = file"},
    {"[order]\nkind = file\nfile = o.h5\n[train]\nbatch = 8\n", "FILE:5: train.batch = 8: would be ignored"},
    {"[pretrain]\non = all\nfraction = 0.5\n", "FILE:3: pretrain.fraction = 0.5: would be ignored"},
    {"[pretrain]\non = none\nlr = 0.5\n", "FILE:3: pretrain.lr = 0.5: would be ignored"},
    {"[forget]\ncount = 3\n", "FILE:2: forget.count = 3: would be ignored"},
    {"[forget]\nfile = r.h5\n", "FILE:2: forget.file = r.h5: would be ignored"},
    {"[forget]\nkind = none\nindex = 3\n", "FILE:3: forget.index = 3: would be ignored"},
    {"[forget]\nkind = ghost\nindex = 3\n", "FILE:3: forget.index = 3: would be ignored"},
    {"[model]\narch = linear\nhidden = 3\n", "FILE:3: model.hidden = 3: would be ignored"},
    {"[model]\narch = linear\nactivation = tanh\n", "FILE:3: model.activation = tanh: would be ignored"},
    {"[model]\nbatchnorm = train\n", "FILE:2: model.batchnorm = train: would be ignored"},
    {"[data]\nfeatures = bow\n",
     "FILE:2: data.features = bow: would be ignored: it acts only with data.dataset = imdb"},
    {"[data]\nfeature_columns = 9\n", "FILE:2: data.feature_columns = 9: would be ignored"},
    {"[data]\ndataset = imdb\npath = x\nmean = 0\n", "FILE:4: data.mean = 0: would be ignored"},
    {"[data]\nlabels = fine\n", "FILE:2: data.labels = fine: would be ignored"},
    {"[unlearn]\ncheckpoint_every = 3\n", "FILE:2: unlearn.checkpoint_every = 3: would be ignored"},
    {"[unlearn]\ngradient_at = pre-step\n", "FILE:2: unlearn.gradient_at = pre-step: would be ignored"},
    {"[measure]\nsigma = power\nlanczos_steps = 3\n", "FILE:3: measure.lanczos_steps = 3: would be ignored"},
    {"[measure]\noutputs = no\n[prs]\nshadow = test\n", "FILE:4: prs.shadow = test: would be ignored"},
    {"[prs]\nlr = 0.1\n", "FILE:2: prs.lr = 0.1: would be ignored: it acts only with measure.outputs = yes and"},
    {"[prs]\nshadow = test\nstatistics = batch\n", "FILE:3: prs.statistics = batch: would be ignored"},
    {"[prs]\nshadow = all\n", "FILE:2: prs.shadow = all: must be one of none, test, train"},
    {"[noise]\norders = 3, 3\n", "FILE:2: noise.orders = 3, 3: must be different whole numbers from 0"},
    {"[noise]\nulp = maybe\n", "FILE:2: noise.ulp = maybe: must be one of no, yes"},
    {"[noise]\nrepeats = -1\n", "FILE:2: noise.repeats = -1: must be a whole number from 0 to 1000"},
    {"[noise]\nat = measured\nulp = yes\n", "FILE:2: noise.at = measured: would be ignored"},
    {"[noise]\ninits = 0..3\n[init]\nfile = w.h5\n", "FILE:2: noise.inits = 0..3: would be ignored"},
    {"[noise]\norders = 0..3\n[order]\nkind = file\nfile = o.h5\n", "FILE:2: noise.orders = 0..3: would be ignored"},
    {"[noise]\norders = 0..3\nnormalise = filters\n", "FILE:3: noise.normalise = filters: would be ignored"},
    {"[measure]\nwarm_start = yes\n", "FILE:2: measure.warm_start = yes: would be ignored"},
    {"[measure]\nsigma = power\nsigma_every = 2\nwarm_start = yes\n",
     "FILE:4: measure.warm_start = yes: would be ignored"},
    {"[measure]\npower_iterations = 3\n", "FILE:2: measure.power_iterations = 3: would be ignored"},
    {"[measure]\nsigma = none\nsigma_every = 3\n", "FILE:3: measure.sigma_every = 3: would be ignored"},
    {"[measure]\nsigma = none\none_hvp = no\nhessian = batch\n", "FILE:4: measure.hessian = batch: would be ignored"},
    {"[measure]\nsigma_mode = eval\n", "FILE:2: measure.sigma_mode = eval: would be ignored"},
    {"[measure]\noutputs = no\neval_rows = 3\n", "FILE:3: measure.eval_rows = 3: would be ignored"},
    {"[retrain]\ndenominator = batch\n", "FILE:2: retrain.denominator = batch: would be ignored"},
    {"[retrain]\nkind = fresh\n[unlearn]\nmethod = first-order\n",
     "FILE:4: unlearn.method = first-order: cannot be first-order with retrain.kind = fresh"},
    {"[train]\nmomentum = 0.9\n[retrain]\nkind = fresh\n[unlearn]\ncorrection = exact\n",
     "FILE:6: unlearn.correction = exact: cannot be exact with retrain.kind = fresh"},
    {"[unlearn]\ncorrection = exact\n",
     "FILE:2: unlearn.correction = exact: would be ignored: it acts only with unlearn.method = single-gradient, and "
     "train.momentum or train.weight_decay above 0"},
    {"[unlearn]\nmethod = first-order\nrule = grad-list\n",
     "FILE:3: unlearn.rule = grad-list: would be ignored: it acts only with unlearn.method = single-gradient"},
    {"[unlearn]\nmethod = single-gradient, none\nrule = grad-list, epoch-scaled\n",
     "FILE:3: unlearn.rule = epoch-scaled: changes nothing in a cell that has the value grad-list too"},
    {"[retrain]\nkind = fresh\nskip = coast\n", "FILE:3: retrain.skip = coast: would be ignored"},
    {"[seed]\norder = 3\n", "FILE:2: seed.order = 3: would be ignored: it acts only with order.kind = shuffled"},
    {"[seed]\ninit = 3\n[init]\nfile = w.h5\n", "FILE:2: seed.init = 3: would be ignored"},
    // the grid
    {"[study]\nzip = train.lr\n[train]\nlr = 1, 2\n", "FILE:2: study.zip = train.lr: must name at least two keys"},
    {"[study]\nzip = train.lr, train.batch\n[train]\nlr = 1, 2\n",
     "FILE:2: study.zip = train.lr, train.batch: train.batch is not set to several values"},
    {"[study]\nzip = train.lr, train.what\n[train]\nlr = 1, 2\n",
     "FILE:2: study.zip = train.lr, train.what: train.what is not a key"},
    {"[study]\nzip = train.lr, train.lr\n[train]\nlr = 1, 2\n",
     "FILE:2: study.zip = train.lr, train.lr: train.lr is already zipped"},
    {"[study]\nzip = train.lr, train.batch\n[train]\nlr = 1, 2\nbatch = 1, 2, 3\n",
     "FILE:2: study.zip = train.lr, train.batch: train.lr has 2 values, train.batch has 3"},
    {"[study]\nzip = train.lr, train.batch\nzip = train.batch, train.momentum\n[train]\nlr = 1, 2\nbatch = 1, 2\n"
     "momentum = 0, 0.9\n",
     "FILE:3: study.zip = train.batch, train.momentum: train.batch is already zipped"},
    {"[study]\nexclude = train.lr\n[train]\nlr = 1, 2\n", "FILE:2: study.exclude = train.lr: must be key=value"},
    {"[study]\nexclude = train.lr=3\n[train]\nlr = 1, 2\n",
     "FILE:2: study.exclude = train.lr=3: train.lr has no value 3; it has 1, 2"},
    {"[study]\nexclude = train.lr=x\n[train]\nlr = 1, 2\n",
     "FILE:2: study.exclude = train.lr=x: x must be a finite number > 0"},
    {"[study]\nexclude = train.lr=1\n[train]\nlr = 1\n",
     "FILE:2: study.exclude = train.lr=1: train.lr is not set to several values"},
    {"[study]\nexclude = train.lt=1\n[train]\nlr = 1, 2\n",
     "FILE:2: study.exclude = train.lt=1: train.lt is not a key"},
    {"[study]\nexclude = train.lr=1 & train.batch=2\nzip = train.lr, train.batch\n[train]\nlr = 1, 2\nbatch = 1, 2\n",
     "FILE:2: study.exclude = train.lr=1 & train.batch=2: matches no cell of the grid"},
    {"[study]\nexclude = train.lr=1\nexclude = train.lr=2\n[train]\nlr = 1, 2\n",
     "FILE:3: study.exclude = train.lr=2: leaves no cell"},
    {"[forget]\nkind = batch, none\nindex = 0, 1\n", "FILE:3: forget.index = 1: changes nothing in a cell"},
};

}  // namespace

TEST_CASE("each bad input is refused on one line with its place, key, value and range") {
  for (const BadInput& bad : kBadInputs) {
    INFO(unroll::printable(bad.text, 200));

    const std::string error = error_of(bad.text);

    INFO("said: " << error);
    CHECK(error.substr(0, bad.error.size()) == bad.error);
    CHECK(error.find('\n') == std::string::npos);
    CHECK(error.size() < 700);
  }
  CHECK(std::size(kBadInputs) >= 60);
}

TEST_CASE("bad --set options are refused with --set as their place") {
  const std::string text = "[train]\nlr = 0.1\n";
  const BadInput options[] = {
      {"train.lr", "--set train.lr: must be --set key=value"},
      {"train.lt=1", "--set: train.lt: unknown key; did you mean train.lr?"},
      {"train.lr=", "--set: train.lr: has no value"},
      {"train.lr=x", "--set: train.lr = x: must be a finite number > 0"},
      {"=3", "--set: : unknown key"},
      {"train.lr=\n", "--set train.lr=?: holds a control character"},
      {"study.zip=train.lr, train.batch", "--set: study.zip = train.lr, train.batch: train.lr is not set to several"},
      {"loss.gamma=1", "--set: loss.gamma = 1: would be ignored"},
  };

  for (const BadInput& option : options) {
    const std::string error = error_of(text, {option.text});

    INFO("said: " << error);
    CHECK(error.substr(0, option.error.size()) == option.error);
  }
  CHECK(error_of(text, {"train.lr=1", "train.lr=2"}).find("--set: train.lr = 2: was already set at --set") == 0);
}

TEST_CASE("a grid too large is refused before it is expanded") {
  std::string values = "1";
  for (int i = 2; i <= 1000; ++i) {
    values += ", " + std::to_string(i);
  }
  const std::string text = "[train]\nlr = " + values + "\nbatch = " + values + "\n[pretrain]\nlr = 1, 2\n";

  CHECK(error_of(text).find("FILE:5: pretrain.lr = 1, 2: makes a grid of more than 1000000 cells") == 0);
}

TEST_CASE("too many runs are refused") {
  const std::string text = "[study]\nseeds = 0..999999\n[train]\nlr = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n";

  CHECK(error_of(text).find("FILE:2: study.seeds = ") == 0);
}

TEST_CASE("a folder and a missing file are told apart") {
  const auto message = [](const std::string& path) {
    try {
      (void)read_study(path, {});
    } catch (const unroll::UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };

  CHECK(message("/tmp") == "/tmp: is a folder, not a config file");
  CHECK(message("/nowhere/at/all.ini") == "/nowhere/at/all.ini: cannot be opened: No such file or directory");
  CHECK(message("/dev/zero").find("/dev/zero: is larger than") == 0);
  CHECK(message("").find(": cannot be opened") == 0);
}

TEST_CASE("no prefix and no single-byte change of a good file crashes the reader") {
  const std::string text =
      "[study]\nseeds = 0..3\nzip = train.lr, loss.gamma\nexclude = train.batch=8 & train.lr=0.1\n"
      "[train]\nlr = 0.1, 0.2\nbatch = 8, 16\n[loss]\nkind = sd\ngamma = 1, 2\n[model]\nhidden = [4 5]\n";
  int num_good = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    num_good += error_of(text.substr(0, at)).empty();
    for (const char c : {'\0', ',', '=', '[', ']', '#', '\n', '.', '9', '\xE2'}) {
      std::string mutant = text;
      mutant[at] = c;
      num_good += error_of(mutant).empty();
    }
  }

  CHECK(num_good > 0);
}
