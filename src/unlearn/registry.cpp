#include <array>

#include "unlearn/methods.hpp"
#include "unroll/base/error.hpp"
#include "unroll/unlearn/forgotten_gradient.hpp"

namespace unroll::unlearn {
namespace {

struct Method {
  config::UnlearnMethod name;
  std::unique_ptr<Unlearner> (*make)(const config::Settings&, const model::State&, std::shared_ptr<ForgottenGradient>);
};

constexpr std::array kMethods{
    Method{config::UnlearnMethod::single_gradient, make_single_gradient},
    Method{config::UnlearnMethod::first_order, make_first_order},
    Method{config::UnlearnMethod::none, make_no_unlearning},
};

}  // namespace

std::unique_ptr<Unlearner> make_unlearner(const config::Settings& settings, const model::State& start,
                                          std::shared_ptr<ForgottenGradient> gradient) {
  for (const auto& method : kMethods) {
    if (method.name == settings.unlearn.method) {
      return method.make(settings, start, std::move(gradient));
    }
  }
  throw Error("unlearn.method: no such method is registered");
}

}  // namespace unroll::unlearn
