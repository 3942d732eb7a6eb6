// M'' is M: what any method must beat.
#include "unlearn/methods.hpp"
#include "unroll/unlearn/forgotten_gradient.hpp"

namespace unroll::unlearn {
namespace {

class NoUnlearning final : public Unlearner {
 public:
  void transfer(Archive&) override {}
  torch::Tensor correction(const model::State& original) override {
    return torch::zeros_like(original.weights, torch::kFloat64);
  }
};

}  // namespace

std::unique_ptr<Unlearner> make_no_unlearning(const config::Settings&, const model::State&,
                                              std::shared_ptr<ForgottenGradient>) {
  return std::make_unique<NoUnlearning>();
}

}  // namespace unroll::unlearn
