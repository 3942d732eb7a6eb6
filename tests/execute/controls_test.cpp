// Nothing forgotten, nothing lost (DESIGN 4.7), inside one process; across ranks: tests/exact.
#include "execute/laboratory.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::execute;

namespace {

std::string controls(const std::string& forget) {
  return R"([study]
name = controls
seeds = 0..2
[data]
dataset = optdigits
[model]
arch = linear, mlp
dtype = float32, float64
[order]
kind = shuffled
[pretrain]
epochs = 1
[train]
batch = 16
epochs = 3
lr = 0.05
momentum = 0, 0.9
weight_decay = 0, 0.001
[loss]
kind = sd
gamma = 0, 5
[unlearn]
rule = epoch-scaled, grad-list, checkpoint, final-weights
[measure]
steps = 1, 7, 12
sigma = none
one_hvp = no
outputs = no
[forget]
)" + forget;
}

}  // namespace

TEST_CASE("With nothing forgotten M' is M, though it was trained again") {
  const auto set = digits(120);
  for (const char* forget : {"kind = none\n", "kind = ghost\ncount = 5\n"}) {
    INFO(forget);
    const Laboratory lab(set, controls(forget));

    const auto outcome = lab.run(set);

    CHECK(outcome.pairs.size() == 2 * 2 * 2 * 2 * 2 * 4 * 3 * 3);
    for (const auto& row : outcome.pairs) {
      CHECK(row.verification_error == 0.0);
      CHECK(row.no_unlearning_distance == 0.0);
      CHECK(row.distance_from_start > 0);
    }
    for (const auto& tree : lab.plan().trees) {
      const bool is_ghost = std::string(forget).find("ghost") != std::string::npos;
      CHECK(outcome.model_steps.at(tree.id) ==
            tree.num_steps * (is_ghost ? 2 : 1));  // none: the repeat is its own item
    }
  }
}

TEST_CASE("One skipped step gives more than nothing") {
  const auto set = digits(120);
  const Laboratory lab(set, controls("kind = step\nindex = 6\n"));

  const auto outcome = lab.run(set);

  for (const auto& row : outcome.pairs) {
    if (row.step > 6) {
      CHECK(row.no_unlearning_distance > 0);
    } else {
      CHECK(row.no_unlearning_distance == 0.0);
    }
    if (row.step > 7) {
      CHECK(row.verification_error > 0);
    }
  }
}
