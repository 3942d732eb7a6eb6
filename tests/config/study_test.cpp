#include "unroll/config/study.hpp"

#include "study_file.hpp"
#include "support/catch.hpp"

using namespace unroll::config;

TEST_CASE("a study reads names, seeds, axes and cells, first axis slowest") {
  const Study study = study_of(
      "# a comment\n"
      "[study]\n"
      "name = quick-start.1_x   ; another\n"
      "seeds = 7..9, 0, 3\n"
      "[train]\n"
      "lr = 0.01, 0.1\n"
      "[loss]\n"
      "kind = sd\n"
      "gamma = 0, 1, 5\n");

  CHECK(study.name == "quick-start.1_x");
  CHECK(study.seeds == std::vector<std::int64_t>{0, 3, 7, 8, 9});
  REQUIRE(study.axes.size() == 2);
  CHECK(study.axes[0].key == "train.lr");
  CHECK(study.axes[1].values == std::vector<std::string>{"0", "1", "5"});
  REQUIRE(study.cells.size() == 6);
  CHECK(study.cells[1].train.lr == 0.01);
  CHECK(study.cells[1].loss.gamma == 1);
  CHECK(study.cells[3].train.lr == 0.1);
  CHECK(study.cells[3].loss.gamma == 0);
  CHECK(study.cells[0].train.epochs == 1);
}

TEST_CASE("a list in brackets is one value of an axis") {
  const Study study = study_of("[model]\nhidden = 64, [64 32], 16\n[forget]\nindex = [0 10 20]\n");

  REQUIRE(study.cells.size() == 3);
  CHECK(study.cells[1].model.hidden == std::vector<std::int64_t>{64, 32});
  CHECK(study.cells[2].forget.index == std::vector<std::int64_t>{0, 10, 20});
}

TEST_CASE("keys that are lists by nature make no axis") {
  const Study study = study_of("[measure]\nsteps = 10, 5\n[data]\nmean = 0.1, 0.2, 0.3\nstd = 1, 2, 3\n");

  REQUIRE(study.cells.size() == 1);
  CHECK(study.axes.empty());
  CHECK(study.cells[0].measure.steps == std::vector<std::int64_t>{5, 10});
  CHECK(study.cells[0].data.std_dev == std::vector<double>{1, 2, 3});
}

TEST_CASE("zipped axes walk together") {
  const Study study = study_of(
      "[study]\nzip = train.lr, train.epochs\n[train]\nlr = 0.1, 0.2\nepochs = 3, 4\n[forget]\nindex = 0, 1\n");

  REQUIRE(study.cells.size() == 4);
  CHECK(study.axes.size() == 3);
  CHECK(study.cells[0].train.epochs == 3);
  CHECK(study.cells[2].train.lr == 0.2);
  CHECK(study.cells[2].train.epochs == 4);
  CHECK(study.cells[3].forget.index[0] == 1);
}

TEST_CASE("two zips make two axes, in the order of their first keys") {
  const Study study = study_of(
      "[study]\nzip = loss.gamma, train.momentum\nzip = train.lr, train.epochs\n"
      "[train]\nlr = 0.1, 0.2\nepochs = 3, 4\nmomentum = 0, 0.5, 0.9\n[loss]\nkind = sd\ngamma = 0, 1, 2\n");

  REQUIRE(study.cells.size() == 6);
  CHECK(study.cells[0].train.lr == study.cells[2].train.lr);
  CHECK(study.cells[2].train.momentum == 0.9);
  CHECK(study.cells[2].loss.gamma == 2);
  CHECK(study.cells[3].train.epochs == 4);
}

TEST_CASE("excluded cells are left out, and their values compare as values") {
  const Study study = study_of(
      "[study]\nexclude = loss.gamma=5.0 & train.lr=1e-1\nexclude = loss.gamma = 1\n"
      "[train]\nlr = 0.01, 0.1\n[loss]\nkind = sd\ngamma = 0, 1, 5\n");

  REQUIRE(study.cells.size() == 3);
  for (const Settings& cell : study.cells) {
    CHECK(cell.loss.gamma != 1);
    CHECK_FALSE((cell.loss.gamma == 5 && cell.train.lr == 0.1));
  }
}

TEST_CASE("a key may act in some cells only, when the others are excluded") {
  const std::string grid = "[loss]\nkind = ce, sd\ngamma = 0, 5\n";

  const Study study = study_of("[study]\nexclude = loss.kind=ce & loss.gamma=5\n" + grid);

  CHECK(study.cells.size() == 3);
  CHECK(error_of(grid).find("FILE:3: loss.gamma = 5: changes nothing") == 0);
}

TEST_CASE("--set replaces the file's values in their place and adds new keys") {
  const std::string text = "[study]\nexclude = train.lr=0.1\n[train]\nlr = 0.01, 0.1\n[forget]\nindex = 0, 1\n";

  const Study study =
      study_of(text, {"train.lr=0.5,0.6", "study.exclude=train.lr=0.5 & forget.index=1", "train.batch = 8"});

  REQUIRE(study.cells.size() == 3);
  CHECK(study.axes[0].key == "train.lr");
  CHECK(study.cells[0].train.lr == 0.5);
  CHECK(study.cells[0].train.batch == 8);
  CHECK(study.origin("train.lr") == "--set");
  CHECK(study.origin("forget.index").ends_with(".ini:6"));
  CHECK(study.origin("train.momentum").empty());
}

TEST_CASE("a byte order mark, CRLF line ends, tabs and a missing last newline are read") {
  const Study study = study_of("\xEF\xBB\xBF[train]\r\n\tlr\t=\t0.5 # x\r\n\r\n[forget]\r\nindex = 3");

  CHECK(study.cells[0].train.lr == 0.5);
  CHECK(study.cells[0].forget.index == std::vector<std::int64_t>{3});
}

TEST_CASE("a comment may be a whole line or follow a blank") {
  const Study study = study_of("#a\n;b\n  ; c = d\n[train] # e\nlr = 0.5\t;f # g\n");

  CHECK(study.cells[0].train.lr == 0.5);
}

TEST_CASE("the scientific text holds what changes results and nothing else") {
  const std::string text = "[train]\nlr = 0.1, 0.2\n[study]\nseeds = 0..1\n";
  const std::string base = scientific_text(study_of(text));

  CHECK(scientific_text(study_of(text, {"run.lanes=3", "output.weights=final", "study.name=x", "run.device=cpu"})) ==
        base);
  CHECK(scientific_text(study_of(text, {"study.seeds=1,0", "train.lr=1e-1,0.20", "train.epochs=1"})) == base);
  CHECK(scientific_text(study_of(text, {"study.seeds=0"})) != base);
  CHECK(scientific_text(study_of(text, {"train.lr=0.1"})) != base);
  CHECK(scientific_text(study_of(text, {"train.lr=0.2,0.1"})) != base);
  CHECK(scientific_text(study_of(text, {"model.arch=resnet18", "run.threads=2"})) !=
        scientific_text(study_of(text, {"model.arch=resnet18"})));
  CHECK(scientific_text(study_of(text, {"measure.sigma=none"})) != base);
  CHECK(operational_text(study_of(text, {"run.lanes=3"})) != operational_text(study_of(text)));
}

TEST_CASE("the scientific text has a line for each shared key and one for each cell") {
  const std::string text = scientific_text(study_of("[train]\nlr = 0.1, 0.2\n[study]\nseeds = 0..1\n"));

  CHECK(text.find("study.seeds=0, 1\n") == 0);
  CHECK(text.find("\ndata.dataset=optdigits\n") != std::string::npos);
  CHECK(text.find("\ncell train.lr=0.1\ncell train.lr=0.2\n") != std::string::npos);
}

TEST_CASE("every spelling of the documented study is accepted") {
  const Study study = study_of(R"(
[study]
name = quickstart
seeds = 0..9
zip = train.lr, train.epochs
exclude = loss.gamma=5 & train.lr=0.1
[data]
dataset = cifar100
path = /data
train_size = 1000
labels = coarse
[model]
arch = resnet18
activation = silu
dtype = float64
batchnorm = frozen
[seed]
split = 1
init = 2
pretrain_order = 3
order = 4
eval = 5
[order]
kind = shuffled
[pretrain]
on = split
fraction = 0.5
epochs = 5
lr = 0.05
batch = 64
[train]
epochs = 1, 2
lr = 0.01, 0.1
batch = 32
momentum = 0
weight_decay = 0
schedule = constant
[loss]
kind = sd
gamma = 0, 5
[forget]
kind = batch
index = 0, 10, 20
[retrain]
denominator = batch
skip = coast
kind = coupled
[unlearn]
method = single-gradient
rule = epoch-scaled
[measure]
every = 50
sigma = lanczos
sigma_every = 10
hessian = first:512
[output]
weights = none
logits = no
[run]
lanes = auto
threads = 1
device = auto
)");

  CHECK(study.cells.size() == 9);
  CHECK(study.seeds.size() == 10);
}
