#pragma once
// Makers of the methods; one line each in registry.cpp.
#include "unroll/unlearn/unlearner.hpp"

namespace unroll::unlearn {

std::unique_ptr<Unlearner> make_single_gradient(const config::Settings& settings, const model::State& start,
                                                std::shared_ptr<ForgottenGradient> gradient);
std::unique_ptr<Unlearner> make_first_order(const config::Settings& settings, const model::State& start,
                                            std::shared_ptr<ForgottenGradient> gradient);
std::unique_ptr<Unlearner> make_no_unlearning(const config::Settings& settings, const model::State& start,
                                              std::shared_ptr<ForgottenGradient> gradient);

}  // namespace unroll::unlearn
