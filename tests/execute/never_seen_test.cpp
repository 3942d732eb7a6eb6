// M' never sees the forget set: whatever stands in the forgotten examples, M' is the same, bit for bit.
#include "execute/laboratory.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::execute;

namespace {

constexpr const char* kForgetKinds[] = {"batch", "examples", "class"};
constexpr const char* kOrders[] = {"fixed", "shuffled"};
constexpr const char* kPretrainings[] = {"split", "retain", "none"};

struct Case {
  std::string arch = "mlp", dtype = "float32", forget = "batch", order = "shuffled", pretrain = "split";
  std::string retrain;  // lines of [retrain]
  std::string more;     // further sections

  [[nodiscard]] std::string name() const {
    return arch + " " + dtype + " forget=" + forget + " order=" + order + " pretrain=" + pretrain + " " + retrain;
  }
};

/// Two forget sets of each kind, so that another M' of the pack does see the first one's rows.
std::string ini_of(const Case& c, int batch) {
  const bool is_mlp = c.arch == "mlp";
  std::string ini = "[study]\nname = never-seen\nseeds = 3\n[data]\ndataset = optdigits\n[model]\narch = " + c.arch +
                    "\ndtype = " + c.dtype + (is_mlp ? "\nhidden = 9" : "") + "\n[order]\nkind = " + c.order +
                    "\n[pretrain]\non = " + c.pretrain;
  if (c.pretrain != "none") {
    ini += "\nepochs = 1\nbatch = 7";
  }
  ini +=
      "\n[train]\nepochs = 3\nbatch = " + std::to_string(batch) +
      "\nlr = 0.05\nmomentum = 0.9\nweight_decay = 0.001\n[loss]\nkind = sd\ngamma = 2\n[forget]\nkind = " + c.forget;
  ini += c.forget == "batch"      ? "\nindex = 1, 0"
         : c.forget == "examples" ? "\nindex = [2 5], [1 4]\ncount = 1"
                                  : "\nindex = 3, 7";
  return ini + "\n[retrain]\n" + c.retrain + "\n[measure]\nsigma = none\none_hvp = no\noutputs = no\n" +
         "[output]\nweights = final\n" + c.more;
}

/// Spoils the first cell's forget set, and compares its M' with the one trained on clean rows.
void check_never_seen(const Case& c, const SharedSet& set, int batch, std::span<const Fill> fills) {
  INFO(c.name());
  const Laboratory lab(set, ini_of(c, batch));
  const auto& run = lab.plan().runs.front();
  const auto& other = lab.plan().runs.back();
  const auto clean = lab.run(set);
  const auto& wanted = clean.files.at(lab.retrained_file(run));
  CHECK(all_finite(wanted));
  CHECK_FALSE(same_bits(wanted, clean.files.at(lab.original_file(run))));
  REQUIRE(lab.fork_of(run).first_touch < lab.tree_of(run).num_steps);
  for (const auto fill : fills) {
    INFO("forgotten rows hold " << name_of(fill));
    const auto outcome = lab.run(spoiled(*set, lab.forgotten_rows(run), fill));
    const bool is_same = same_bits(outcome.files.at(lab.retrained_file(run)), wanted);
    CHECK(is_same);
    CHECK_FALSE(same_bits(outcome.files.at(lab.original_file(run)), clean.files.at(lab.original_file(run))));
    CHECK_FALSE(same_bits(outcome.files.at(lab.retrained_file(other)), clean.files.at(lab.retrained_file(other))));
  }
}

/// The lines of [retrain] that act for a kind of forget set in an order.
std::vector<std::string> retrain_lines(const std::string& forget, const std::string& order) {
  std::vector<std::string> lines{"", "skip = coast", "kind = fresh"};
  if (forget != "batch" || order != "fixed") {
    lines.insert(lines.end(), {"denominator = batch", "denominator = batch\nskip = coast"});
  }
  return lines;
}

}  // namespace

TEST_CASE("M' of linear and mlp never sees the forget set") {
  const auto set = digits(120);
  for (const char* arch : {"linear", "mlp"}) {
    for (const char* dtype : {"float32", "float64"}) {
      for (const char* forget : kForgetKinds) {
        for (const char* order : kOrders) {
          for (const char* pretrain : kPretrainings) {
            for (const auto& retrain : retrain_lines(forget, order)) {
              check_never_seen({arch, dtype, forget, order, pretrain, retrain, ""}, set, 16, kFills);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("M' is the same whatever is measured beside a spoiled M") {
  const auto set = digits(120);
  const Laboratory lab(set, R"([study]
name = measured
seeds = 0, 1
[data]
dataset = optdigits
[model]
hidden = 9
[pretrain]
epochs = 1
[order]
kind = shuffled
[train]
batch = 16
lr = 0.05
epochs = 3
[forget]
kind = examples, batch
index = 3, 1
[unlearn]
rule = epoch-scaled, grad-list, checkpoint, final-weights
[measure]
steps = 0, 3, 8, 12
sigma_every = 2
lanczos_steps = 4
hessian = first:16
layers = yes
[output]
weights = final
logits = yes
)");
  const auto clean = lab.run(set);
  std::map<std::string, std::vector<std::int64_t>> forgotten;  // by M'
  for (const auto& run : lab.plan().runs) {
    forgotten[lab.retrained_file(run)] = lab.forgotten_rows(run);
  }
  CHECK(forgotten.size() == 8);
  for (const auto fill : kFills) {
    INFO(name_of(fill));
    for (const auto& [file, rows] : forgotten) {
      const auto outcome = lab.run(spoiled(*set, rows, fill));

      const bool is_same = same_bits(outcome.files.at(file), clean.files.at(file));
      CHECK(is_same);
    }
  }
}

TEST_CASE("M' of resnet18 never sees the forget set, BatchNorm training included") {
  const auto set = images(24);
  const Fill fill[] = {Fill::not_a_number};
  check_never_seen({"resnet18", "float32", "batch", "shuffled", "split", "", ""}, set, 5, fill);
  check_never_seen({"resnet18", "float32", "examples", "fixed", "retain", "", ""}, images(14), 5, fill);
  check_never_seen({"resnet18", "float32", "class", "shuffled", "none", "denominator = batch", ""}, images(14), 5,
                   fill);
}

TEST_CASE("M' of resnet18 never sees the forget set, in every combination", "[.slow]") {
  for (const char* forget : kForgetKinds) {
    for (const char* order : kOrders) {
      for (const char* pretrain : kPretrainings) {
        check_never_seen({"resnet18", "float32", forget, order, pretrain, "", ""}, images(24), 5, kFills);
      }
    }
  }
  check_never_seen({"resnet18", "float64", "examples", "shuffled", "split", "", ""}, images(24), 5, kFills);
}

TEST_CASE("Pretraining on all rows does see the forget set") {
  const auto set = digits(120);
  const Laboratory lab(set, ini_of({"mlp", "float32", "batch", "shuffled", "all", "", ""}, 16));
  const auto& run = lab.plan().runs.front();

  const auto clean = lab.run(set);
  const auto outcome = lab.run(spoiled(*set, lab.forgotten_rows(run), Fill::noise));

  CHECK_FALSE(same_bits(outcome.files.at(lab.retrained_file(run)), clean.files.at(lab.retrained_file(run))));
}

TEST_CASE("A row that is not forgotten is seen by M'") {
  const auto set = digits(120);
  const Laboratory lab(set, ini_of({"mlp", "float32", "examples", "shuffled", "split", "", ""}, 16));
  const auto& run = lab.plan().runs.front();
  const auto forgotten = lab.forgotten_rows(run);
  const auto rows = *lab.plan().finetune_rows(lab.tree_of(run));
  std::vector<std::int64_t> kept;
  std::set_difference(rows.begin(), rows.end(), forgotten.begin(), forgotten.end(), std::back_inserter(kept));

  const auto clean = lab.run(set);
  const auto outcome = lab.run(spoiled(*set, {kept.back()}, Fill::noise));

  CHECK_FALSE(same_bits(outcome.files.at(lab.retrained_file(run)), clean.files.at(lab.retrained_file(run))));
}

TEST_CASE("One forgotten example left in changes M'") {
  const auto set = digits(120);
  const Laboratory lab(set, R"([study]
name = left-in
seeds = 0..4
[data]
dataset = optdigits
[model]
arch = linear, mlp
dtype = float32, float64
[pretrain]
epochs = 1
[train]
batch = 16
[forget]
kind = examples
index = [3 8], 3
[measure]
sigma = none
one_hvp = no
outputs = no
[output]
weights = final
)");
  const auto clean = lab.run(set);
  std::map<std::pair<std::size_t, std::size_t>, std::vector<std::string>> files;  // of one M
  for (const auto& run : lab.plan().runs) {
    files[{run.tree, run.seed}].push_back(lab.retrained_file(run));
  }
  CHECK(files.size() == 4 * 5);
  for (const auto& [tree, pair] : files) {
    REQUIRE(pair.size() == 2);
    CHECK_FALSE(same_bits(clean.files.at(pair[0]), clean.files.at(pair[1])));
  }
}
