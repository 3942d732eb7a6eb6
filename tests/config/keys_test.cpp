#include "unroll/config/keys.hpp"

#include <algorithm>
#include <set>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

using namespace unroll::config;

namespace {

struct Example {
  std::string_view key, text, canonical;
};

/// At least one value for every key that differs from its default, and how it is written canonically.
constexpr Example kExamples[] = {
    {"data.dataset", "optdigits", "optdigits"},
    {"data.dataset", "mnist", "mnist"},
    {"data.dataset", "fashion-mnist", "fashion-mnist"},
    {"data.dataset", "cifar10", "cifar10"},
    {"data.dataset", "cifar100", "cifar100"},
    {"data.dataset", "imdb", "imdb"},
    {"data.dataset", "hdf5", "hdf5"},
    {"data.path", "/some where/x", "/some where/x"},
    {"data.train_size", "100", "100"},
    {"data.test_size", "7", "7"},
    {"data.labels", "coarse", "coarse"},
    {"data.features", "bow", "bow"},
    {"data.feature_columns", "4096", "4096"},
    {"data.mean", "0.1, -2,3e0", "0.1, -2, 3"},
    {"data.std", "0.50", "0.5"},
    {"model.arch", "linear", "linear"},
    {"model.arch", "resnet18", "resnet18"},
    {"model.arch", "vgg19", "vgg19"},
    {"model.hidden", "128", "128"},
    {"model.hidden", "[64 32  16]", "[64 32 16]"},
    {"model.hidden", "[12]", "12"},
    {"model.activation", "tanh", "tanh"},
    {"model.activation", "silu", "silu"},
    {"model.dtype", "float64", "float64"},
    {"model.batchnorm", "frozen", "frozen"},
    {"model.batchnorm", "eval-after", "eval-after"},
    {"model.batchnorm_steps", "4", "4"},
    {"seed.split", "0", "0"},
    {"seed.init", "2147483647", "2147483647"},
    {"seed.pretrain_order", "3", "3"},
    {"seed.order", "4", "4"},
    {"seed.eval", "5", "5"},
    {"init.file", "w.h5", "w.h5"},
    {"order.kind", "shuffled", "shuffled"},
    {"order.kind", "file", "file"},
    {"order.file", "order.h5", "order.h5"},
    {"pretrain.on", "retain", "retain"},
    {"pretrain.on", "all", "all"},
    {"pretrain.on", "none", "none"},
    {"pretrain.fraction", "0.25", "0.25"},
    {"pretrain.epochs", "2", "2"},
    {"pretrain.lr", "1e-2", "0.01"},
    {"pretrain.batch", "1", "1"},
    {"pretrain.momentum", ".9", "0.9"},
    {"pretrain.weight_decay", "5e-4", "5e-04"},
    {"pretrain.loss", "train", "train"},
    {"train.epochs", "3", "3"},
    {"train.steps", "40", "40"},
    {"train.lr", "0.1000", "0.1"},
    {"train.batch", "8", "8"},
    {"train.momentum", "0.99", "0.99"},
    {"train.weight_decay", "1e-5", "1e-05"},
    {"train.schedule", "step", "step"},
    {"train.schedule", "cosine", "cosine"},
    {"train.schedule_every", "10", "10"},
    {"train.schedule_factor", "0.5", "0.5"},
    {"train.l2_in", "loss", "loss"},
    {"loss.kind", "sd", "sd"},
    {"loss.gamma", "50", "50"},
    {"loss.gamma", "-0", "0"},
    {"loss.kind", "hess", "hess"},
    {"loss.sd", "mean", "mean"},
    {"loss.gamma_decay", "2", "2"},
    {"loss.gamma_decay_every", "5", "5"},
    {"forget.kind", "step", "step"},
    {"forget.kind", "examples", "examples"},
    {"forget.kind", "class", "class"},
    {"forget.kind", "file", "file"},
    {"forget.kind", "none", "none"},
    {"forget.kind", "ghost", "ghost"},
    {"forget.index", "[20 0 10]", "[0 10 20]"},
    {"forget.index", "[0..3 9]", "[0 1 2 3 9]"},
    {"forget.count", "5", "5"},
    {"forget.file", "rows.h5", "rows.h5"},
    {"retrain.denominator", "batch", "batch"},
    {"retrain.skip", "coast", "coast"},
    {"retrain.kind", "fresh", "fresh"},
    {"unlearn.method", "single-gradient", "single-gradient"},
    {"unlearn.method", "first-order", "first-order"},
    {"unlearn.method", "none", "none"},
    {"unlearn.rule", "grad-list", "grad-list"},
    {"unlearn.rule", "checkpoint", "checkpoint"},
    {"unlearn.rule", "final-weights", "final-weights"},
    {"unlearn.form", "published", "published"},
    {"unlearn.correction", "exact", "exact"},
    {"unlearn.gradient_at", "post-step", "post-step"},
    {"unlearn.checkpoint_every", "3", "3"},
    {"unlearn.statistics", "moved", "moved"},
    {"unlearn.gradient_of", "last:128", "last:128"},
    {"unlearn.gradient_of", "forget", "forget"},
    {"measure.every", "50", "50"},
    {"measure.steps", "100, 10, 0, 20..22", "0, 10, 20, 21, 22, 100"},
    {"measure.sigma", "power", "power"},
    {"measure.sigma", "none", "none"},
    {"measure.sigma_every", "5", "5"},
    {"measure.sigma_mode", "eval", "eval"},
    {"measure.hessian", "first:64", "first:64"},
    {"measure.hessian", "batch", "batch"},
    {"measure.hessian", "file:rows.h5", "file:rows.h5"},
    {"measure.lanczos_steps", "5", "5"},
    {"measure.lanczos_tolerance", "1e-3", "0.001"},
    {"measure.lanczos_tolerance", "0", "0"},
    {"measure.warm_start", "yes", "yes"},
    {"measure.power_iterations", "7", "7"},
    {"measure.power_tolerance", "1e-6", "1e-06"},
    {"measure.one_hvp", "no", "no"},
    {"measure.outputs", "no", "no"},
    {"measure.eval_rows", "10", "10"},
    {"measure.layers", "yes", "yes"},
    {"prs.shadow", "test", "test"},
    {"prs.shadow", "train", "train"},
    {"prs.epochs", "60", "60"},
    {"prs.lr", "0.01", "0.01"},
    {"prs.batch", "128", "128"},
    {"prs.momentum", "0.9", "0.9"},
    {"prs.weight_decay", "0.5", "0.5"},
    {"prs.loss", "train", "train"},
    {"prs.scores", "logits", "logits"},
    {"prs.bins", "own", "own"},
    {"prs.statistics", "batch", "batch"},
    {"noise.ulp", "yes", "yes"},
    {"noise.repeats", "2", "2"},
    {"noise.orders", "0..2, 7", "0, 1, 2, 7"},
    {"noise.inits", "3", "3"},
    {"noise.at", "measured", "measured"},
    {"noise.normalise", "filters", "filters"},
    {"output.weights", "final", "final"},
    {"output.logits", "yes", "yes"},
    {"run.lanes", "8", "8"},
    {"run.lanes", "auto", "auto"},
    {"run.threads", "2", "2"},
    {"run.device", "cuda", "cuda"},
    {"run.tf32", "yes", "yes"},
    {"run.gather", "nccl", "nccl"},
    {"run.checkpoint", "0.5", "0.5"},
    {"run.share", "no", "no"},
    {"run.fork", "no", "no"},
};

}  // namespace

TEST_CASE("a value reads to its canonical text and the canonical text reads to itself") {
  for (const Example& example : kExamples) {
    INFO(example.key << " = " << example.text);
    const Key* key = find_key(example.key);
    REQUIRE(key != nullptr);
    Settings once, twice;

    key->read(example.text, once);
    key->read(key->canonical(once), twice);

    CHECK(key->canonical(once) == example.canonical);
    CHECK(key->canonical(twice) == example.canonical);
  }
}

TEST_CASE("every key has an example that differs from its default, and changes no other key") {
  for (const Key& key : keys()) {
    INFO(key.name);
    bool differs = false;
    for (const Example& example : kExamples) {
      if (example.key != key.name) {
        continue;
      }
      Settings settings;
      key.read(example.text, settings);
      differs |= key.canonical(settings) != key.canonical(Settings{});
      for (const Key& other : keys()) {
        if (other.name != key.name) {
          CHECK(other.canonical(settings) == other.canonical(Settings{}));
        }
      }
    }
    CHECK((differs || key.name == "unlearn.method"));  // which has one value so far
  }
}

TEST_CASE("every field of Settings has a key") {
  const auto num_keys = [](std::string_view section) {
    return std::count_if(keys().begin(), keys().end(), [&](const Key& key) { return key.name.starts_with(section); });
  };
  const Settings settings;
  // A field more or less does not compile here: give it a key, then count it.
  [[maybe_unused]] const auto& [data, model, seed, init, order, pretrain, train, loss, forget, retrain, unlearn,
                                measure, prs, noise, output, run] = settings;
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i] = data;
    CHECK(num_keys("data.") == 9);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f] = model;
    CHECK(num_keys("model.") == 6);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e] = seed;
    CHECK(num_keys("seed.") == 5);
  }
  {
    [[maybe_unused]] const auto& [a] = init;
    CHECK(num_keys("init.") == 1);
  }
  {
    [[maybe_unused]] const auto& [a, b] = order;
    CHECK(num_keys("order.") == 2);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h] = pretrain;
    CHECK(num_keys("pretrain.") == 8);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j] = train;
    CHECK(num_keys("train.") == 10);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e] = loss;
    CHECK(num_keys("loss.") == 5);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d] = forget;
    CHECK(num_keys("forget.") == 4);
  }
  {
    [[maybe_unused]] const auto& [a, b, c] = retrain;
    CHECK(num_keys("retrain.") == 3);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h] = unlearn;
    CHECK(num_keys("unlearn.") == 8);
  }
  {  // hessian, hessian_first and hessian_file are one key
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = measure;
    CHECK(num_keys("measure.") == 15);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j] = prs;
    CHECK(num_keys("prs.") == 10);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f] = noise;
    CHECK(num_keys("noise.") == 6);
  }
  {
    [[maybe_unused]] const auto& [a, b] = output;
    CHECK(num_keys("output.") == 2);
  }
  {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h] = run;
    CHECK(num_keys("run.") == 8);
  }
}

TEST_CASE("names are unique and only placement and outputs are operational") {
  std::set<std::string_view> names, operational;
  for (const Key& key : keys()) {
    CHECK(names.insert(key.name).second);
    CHECK_FALSE(key.range.empty());
    CHECK_FALSE(key.help.empty());
    if (key.role == KeyRole::operational) {
      operational.insert(key.name);
    }
  }

  CHECK(operational == std::set<std::string_view>{"run.lanes", "run.device", "run.gather", "run.share", "run.fork",
                                                  "run.checkpoint", "output.weights", "output.logits"});
  CHECK(find_key("seed.augment") == nullptr);
}

TEST_CASE("a value out of range throws the range") {
  const Key& lr = *find_key("train.lr");
  Settings settings;

  CHECK_THROWS_WITH(lr.read("-1", settings), std::string(lr.range));
  CHECK(settings.train.lr == Settings{}.train.lr);
}

TEST_CASE("canonical text takes sections and keys in table order and empties keys that do not act") {
  Settings settings;
  settings.model.arch = Arch::linear;
  const std::string_view names[] = {"loss.kind", "model.", "train.lr"};

  CHECK(canonical_text(settings, names) ==
        "model.arch=linear\nmodel.hidden=\nmodel.activation=\nmodel.dtype=float32\nmodel.batchnorm=\nmodel.batchnorm_"
        "steps=\ntrain.lr=0.01\n"
        "loss.kind=ce\n");
}
