#pragma once
// How the values of each enumeration are written in a config file.
#include <array>
#include <string_view>

#include "unroll/config/settings.hpp"

namespace unroll::config {

template <typename Enum>
struct Spelling {
  std::string_view text;
  Enum value;
};

template <typename Enum>
inline constexpr std::array<Spelling<Enum>, 0> kSpellings = {};

template <>
inline constexpr auto kSpellings<Dataset> = std::to_array<Spelling<Dataset>>({{"optdigits", Dataset::optdigits},
                                                                              {"mnist", Dataset::mnist},
                                                                              {"fashion-mnist", Dataset::fashion_mnist},
                                                                              {"cifar10", Dataset::cifar10},
                                                                              {"cifar100", Dataset::cifar100},
                                                                              {"imdb", Dataset::imdb},
                                                                              {"hdf5", Dataset::hdf5}});
template <>
inline constexpr auto kSpellings<CifarLabels> = std::to_array<Spelling<CifarLabels>>({{"fine", CifarLabels::fine},
                                                                                      {"coarse", CifarLabels::coarse}});
template <>
inline constexpr auto kSpellings<TextFeatures> = std::to_array<Spelling<TextFeatures>>({{"tfidf", TextFeatures::tfidf},
                                                                                        {"bow", TextFeatures::bow}});
template <>
inline constexpr auto kSpellings<Arch> = std::to_array<Spelling<Arch>>(
    {{"linear", Arch::linear}, {"mlp", Arch::mlp}, {"resnet18", Arch::resnet18}, {"vgg19", Arch::vgg19}});
template <>
inline constexpr auto kSpellings<Activation> = std::to_array<Spelling<Activation>>({{"relu", Activation::relu},
                                                                                    {"tanh", Activation::tanh},
                                                                                    {"silu", Activation::silu}});
template <>
inline constexpr auto kSpellings<Dtype> = std::to_array<Spelling<Dtype>>({{"float32", Dtype::float32},
                                                                          {"float64", Dtype::float64}});
template <>
inline constexpr auto kSpellings<BatchNormMode> = std::to_array<Spelling<BatchNormMode>>(
    {{"train", BatchNormMode::train}, {"frozen", BatchNormMode::frozen}, {"eval-after", BatchNormMode::eval_after}});
template <>
inline constexpr auto kSpellings<OrderKind> = std::to_array<Spelling<OrderKind>>({{"fixed", OrderKind::fixed},
                                                                                  {"shuffled", OrderKind::shuffled},
                                                                                  {"file", OrderKind::file}});
template <>
inline constexpr auto kSpellings<PretrainOn> = std::to_array<Spelling<PretrainOn>>({{"split", PretrainOn::split},
                                                                                    {"retain", PretrainOn::retain},
                                                                                    {"all", PretrainOn::all},
                                                                                    {"none", PretrainOn::none}});
template <>
inline constexpr auto kSpellings<PretrainLoss> =
    std::to_array<Spelling<PretrainLoss>>({{"ce", PretrainLoss::ce}, {"train", PretrainLoss::train}});
template <>
inline constexpr auto kSpellings<PrsShadow> = std::to_array<Spelling<PrsShadow>>({{"none", PrsShadow::none},
                                                                                  {"test", PrsShadow::test},
                                                                                  {"train", PrsShadow::train}});
template <>
inline constexpr auto kSpellings<PrsScores> = std::to_array<Spelling<PrsScores>>({{"softmax", PrsScores::softmax},
                                                                                  {"logits", PrsScores::logits}});
template <>
inline constexpr auto kSpellings<PrsBins> = std::to_array<Spelling<PrsBins>>({{"shared", PrsBins::shared},
                                                                              {"own", PrsBins::own}});
template <>
inline constexpr auto kSpellings<PrsStatistics> =
    std::to_array<Spelling<PrsStatistics>>({{"running", PrsStatistics::running}, {"batch", PrsStatistics::batch}});
template <>
inline constexpr auto kSpellings<Schedule> = std::to_array<Spelling<Schedule>>({{"constant", Schedule::constant},
                                                                                {"step", Schedule::step},
                                                                                {"cosine", Schedule::cosine}});
template <>
inline constexpr auto kSpellings<LossKind> =
    std::to_array<Spelling<LossKind>>({{"ce", LossKind::ce}, {"sd", LossKind::sd}, {"hess", LossKind::hess}});
template <>
inline constexpr auto kSpellings<SdForm> = std::to_array<Spelling<SdForm>>({{"published", SdForm::published},
                                                                            {"mean", SdForm::mean}});
template <>
inline constexpr auto kSpellings<L2In> = std::to_array<Spelling<L2In>>({{"optimizer", L2In::optimizer},
                                                                        {"loss", L2In::loss}});
template <>
inline constexpr auto kSpellings<ForgetKind> = std::to_array<Spelling<ForgetKind>>({{"batch", ForgetKind::batch},
                                                                                    {"step", ForgetKind::step},
                                                                                    {"examples", ForgetKind::examples},
                                                                                    {"class", ForgetKind::class_},
                                                                                    {"file", ForgetKind::file},
                                                                                    {"none", ForgetKind::none},
                                                                                    {"ghost", ForgetKind::ghost}});
template <>
inline constexpr auto kSpellings<Denominator> = std::to_array<Spelling<Denominator>>({{"left", Denominator::left},
                                                                                      {"batch", Denominator::batch}});
template <>
inline constexpr auto kSpellings<Skip> = std::to_array<Spelling<Skip>>({{"freeze", Skip::freeze},
                                                                        {"coast", Skip::coast}});
template <>
inline constexpr auto kSpellings<RetrainKind> = std::to_array<Spelling<RetrainKind>>({{"coupled", RetrainKind::coupled},
                                                                                      {"fresh", RetrainKind::fresh}});
template <>
inline constexpr auto kSpellings<UnlearnMethod> =
    std::to_array<Spelling<UnlearnMethod>>({{"single-gradient", UnlearnMethod::single_gradient},
                                            {"first-order", UnlearnMethod::first_order},
                                            {"none", UnlearnMethod::none}});
template <>
inline constexpr auto kSpellings<UnlearnRule> =
    std::to_array<Spelling<UnlearnRule>>({{"epoch-scaled", UnlearnRule::epoch_scaled},
                                          {"grad-list", UnlearnRule::grad_list},
                                          {"checkpoint", UnlearnRule::checkpoint},
                                          {"final-weights", UnlearnRule::final_weights}});
template <>
inline constexpr auto kSpellings<UnlearnForm> = std::to_array<Spelling<UnlearnForm>>(
    {{"difference", UnlearnForm::difference}, {"published", UnlearnForm::published}});
template <>
inline constexpr auto kSpellings<Correction> = std::to_array<Spelling<Correction>>({{"none", Correction::none},
                                                                                    {"exact", Correction::exact}});
template <>
inline constexpr auto kSpellings<GradientAt> =
    std::to_array<Spelling<GradientAt>>({{"pre-step", GradientAt::pre_step}, {"post-step", GradientAt::post_step}});
template <>
inline constexpr auto kSpellings<GradientStatistics> = std::to_array<Spelling<GradientStatistics>>(
    {{"kept", GradientStatistics::kept}, {"moved", GradientStatistics::moved}});
template <>
inline constexpr auto kSpellings<Sigma> =
    std::to_array<Spelling<Sigma>>({{"lanczos", Sigma::lanczos}, {"power", Sigma::power}, {"none", Sigma::none}});
template <>
inline constexpr auto kSpellings<SigmaMode> = std::to_array<Spelling<SigmaMode>>({{"train", SigmaMode::train},
                                                                                  {"eval", SigmaMode::eval}});
template <>
inline constexpr auto kSpellings<NoiseAt> = std::to_array<Spelling<NoiseAt>>({{"last", NoiseAt::last},
                                                                              {"measured", NoiseAt::measured}});
template <>
inline constexpr auto kSpellings<Normalise> = std::to_array<Spelling<Normalise>>({{"no", Normalise::none},
                                                                                  {"filters", Normalise::filters}});
template <>
inline constexpr auto kSpellings<WeightsOutput> =
    std::to_array<Spelling<WeightsOutput>>({{"none", WeightsOutput::none}, {"final", WeightsOutput::final_step}});
template <>
inline constexpr auto kSpellings<Gather> =
    std::to_array<Spelling<Gather>>({{"auto", Gather::auto_}, {"nccl", Gather::nccl}, {"mpi", Gather::mpi}});
template <>
inline constexpr auto kSpellings<Device> =
    std::to_array<Spelling<Device>>({{"auto", Device::auto_}, {"cpu", Device::cpu}, {"cuda", Device::cuda}});
template <>
inline constexpr auto kSpellings<bool> = std::to_array<Spelling<bool>>({{"no", false}, {"yes", true}});

}  // namespace unroll::config
