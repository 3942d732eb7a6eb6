// Placement changes nothing (DESIGN 4.8), inside one process: lanes a call, and who shares a pack. Across ranks and
// restarts: tests/exact. The shapes here are odd on purpose: rows and lanes then end within a cache line.
#include "execute/laboratory.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::execute;

namespace {

/// A study with short batches of many sizes.
std::string ini_of(const std::string& model, const std::string& lanes) {
  return R"([study]
name = placement
seeds = 0, 1
[data]
dataset = optdigits
[order]
kind = shuffled
[pretrain]
epochs = 1
batch = 13
[train]
batch = 7, 15
steps = 9
lr = 0.05
momentum = 0.9
weight_decay = 0.001
[loss]
kind = sd
gamma = 2
[forget]
kind = batch, examples, class
index = 0, 1
[measure]
steps = 9
lanczos_steps = 2
hessian = first:5
eval_rows = 9
[output]
weights = final
[model]
)" + model +
         "[run]\nlanes = " + lanes + "\n";
}

/// Every number of every row, as bits.
std::string bits_of(std::vector<record::PairRow> rows) {
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return std::tie(a.run_id, a.step) < std::tie(b.run_id, b.step); });
  std::string bits;
  for (const auto& row : rows) {
    bits += row.run_id + row.status;
    for (const double value : {row.verification_error, row.no_unlearning_distance, row.relative_error, row.lambda_max,
                               row.lambda_min, row.one_hvp_proxy, row.retain.loss_retrained, row.test.kl}) {
      bits.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
  }
  return bits;
}

void check_placement(const std::string& model, const SharedSet& set, const std::vector<std::string>& lanes) {
  INFO(model);
  const auto wanted = Laboratory(set, ini_of(model, "1")).run(set, Packing::alone);
  REQUIRE_FALSE(wanted.pairs.empty());
  for (const auto& count : lanes) {
    for (const auto packing : {Packing::together, Packing::alone}) {
      INFO("run.lanes = " << count << (packing == Packing::together ? ", one pack" : ", trees alone"));
      const auto outcome = Laboratory(set, ini_of(model, count)).run(set, packing);

      const bool are_rows_same = bits_of(outcome.pairs) == bits_of(wanted.pairs);
      CHECK(are_rows_same);
      REQUIRE(outcome.files.size() == wanted.files.size());
      for (const auto& [name, file] : wanted.files) {
        INFO(name);
        const bool is_same = same_bits(outcome.files.at(name), file);
        CHECK(is_same);
      }
    }
  }
}

}  // namespace

TEST_CASE("Lanes and packs change no bit, whatever the shapes") {
  for (const std::int64_t width : {11, 33}) {
    INFO(width << " inputs");
    const auto set = test::small_set(60, {width}, 5);
    for (const char* dtype : {"float32", "float64"}) {
      const std::string precision = std::string("dtype = ") + dtype + "\n";
      check_placement("arch = linear\n" + precision, set, {"2", "64"});
      for (const char* activation : {"relu", "tanh", "silu"}) {
        check_placement("arch = mlp\nhidden = [9 5]\nactivation = " + std::string(activation) + "\n" + precision, set,
                        {"3", "64"});
      }
    }
  }
}
