#include "learn/sgd.hpp"

#include <algorithm>

namespace unroll::learn {
namespace {

bool leaves_out_the_same(const kernel::Update& a, const kernel::Update& b) {
  return (a.momentum != 0) == (b.momentum != 0) && (a.weight_decay != 0) == (b.weight_decay != 0);
}

}  // namespace

const SgdOnTensors::Columns& SgdOnTensors::columns(std::int64_t first, std::span<const kernel::Update> rules,
                                                   const torch::Tensor& weights) {
  std::vector<double> values;
  for (const auto& rule : rules) {
    values.insert(values.end(), {rule.lr, rule.momentum, rule.weight_decay});
  }
  auto& known = columns_[{first, rules.size()}];
  if (known.values != values) {
    const auto table = torch::tensor(values, torch::kFloat64)
                           .view({static_cast<std::int64_t>(rules.size()), 3})
                           .to(weights.scalar_type())
                           .to(weights.device());
    known = {std::move(values), table.slice(1, 0, 1), table.slice(1, 1, 2), table.slice(1, 2, 3)};
  }
  return known;
}

void SgdOnTensors::step(std::int64_t first, std::span<const kernel::Update> rules, const torch::Tensor& weights,
                        const torch::Tensor& velocities, const torch::Tensor& gradients) {
  const torch::NoGradGuard no_grad;
  for (std::size_t begin = 0, end = 0; begin < rules.size(); begin = end) {
    while (end < rules.size() && leaves_out_the_same(rules[begin], rules[end])) {
      ++end;
    }
    const auto at = static_cast<std::int64_t>(begin), count = static_cast<std::int64_t>(end - begin);
    const auto& of = columns(first + at, rules.subspan(begin, end - begin), weights);
    auto w = weights.narrow(0, at, count);
    auto direction = gradients.narrow(0, at, count);
    if (rules[begin].weight_decay != 0) {
      direction = direction + w * of.weight_decay;
    }
    if (rules[begin].momentum != 0) {
      direction = velocities.narrow(0, at, count).mul_(of.momentum).add_(direction);
    }
    w.sub_(direction * of.lr);
  }
}

}  // namespace unroll::learn
