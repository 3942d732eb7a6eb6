#include "conditions.hpp"

namespace unroll::config::conditions {
namespace {

using S = const Settings&;

bool forgets_rows(S s) {
  const ForgetKind kind = s.forget.kind;
  return kind == ForgetKind::batch || kind == ForgetKind::examples || kind == ForgetKind::class_ ||
         kind == ForgetKind::file;
}

bool has_batchnorm(S s) { return s.model.arch == Arch::resnet18 || s.model.arch == Arch::vgg19; }

bool needs_hessian(S s) { return s.measure.sigma != Sigma::none || s.measure.one_hvp; }

bool coupled(S s) { return s.retrain.kind == RetrainKind::coupled; }

bool has_gamma(S s) { return s.loss.kind != LossKind::ce; }

bool compares(S s) { return s.noise.repeats > 0 || !s.noise.orders.empty() || !s.noise.inits.empty(); }

bool has_shadow(S s) { return s.measure.outputs && s.prs.shadow != PrsShadow::none; }

bool single_gradient(S s) { return s.unlearn.method == UnlearnMethod::single_gradient; }

/// In a fixed order a forgotten batch is emptied, and no other batch loses a row.
bool only_whole_batches(S s) { return s.forget.kind == ForgetKind::batch && s.order.kind == OrderKind::fixed; }

}  // namespace

const Condition kAlways{[](S) { return true; }, ""};
const Condition kCifar100{[](S s) { return s.data.dataset == Dataset::cifar100; }, "data.dataset = cifar100"};
const Condition kTexts{[](S s) { return s.data.dataset == Dataset::imdb; }, "data.dataset = imdb"};
const Condition kScaled{[](S s) { return s.data.dataset != Dataset::imdb; }, "a data.dataset other than imdb"};
const Condition kMlp{[](S s) { return s.model.arch == Arch::mlp; }, "model.arch = mlp"};
const Condition kHasActivation{[](S s) { return s.model.arch != Arch::linear; }, "model.arch = mlp, resnet18 or vgg19"};
const Condition kHasBatchNorm{has_batchnorm, "model.arch = resnet18 or vgg19"};
const Condition kEvalAfter{[](S s) { return has_batchnorm(s) && s.model.batchnorm == BatchNormMode::eval_after; },
                           "model.arch = resnet18 or vgg19, and model.batchnorm = eval-after"};
const Condition kSplit{[](S s) { return s.pretrain.on == PretrainOn::split; }, "pretrain.on = split"};
const Condition kNoInitFile{[](S s) { return s.init.file.empty(); }, "no init.file"};
const Condition kPretrains{[](S s) { return s.pretrain.on != PretrainOn::none; }, "pretrain.on = split, retain or all"};
const Condition kShuffled{[](S s) { return s.order.kind == OrderKind::shuffled; }, "order.kind = shuffled"};
const Condition kSigma{[](S s) { return s.measure.sigma != Sigma::none; }, "measure.sigma = lanczos or power"};
const Condition kLanczos{[](S s) { return s.measure.sigma == Sigma::lanczos; }, "measure.sigma = lanczos"};
const Condition kWarmStart{[](S s) { return s.measure.sigma == Sigma::lanczos && s.measure.sigma_every.has_value(); },
                           "measure.sigma = lanczos and measure.sigma_every set"};
const Condition kPower{[](S s) { return s.measure.sigma == Sigma::power; }, "measure.sigma = power"};
const Condition kHessian{needs_hessian, "measure.sigma = lanczos or power, or measure.one_hvp = yes"};
const Condition kBatchNormHessian{
    [](S s) { return has_batchnorm(s) && s.model.batchnorm != BatchNormMode::frozen && needs_hessian(s); },
    "model.arch = resnet18 or vgg19, model.batchnorm = train or eval-after, and measure.sigma or measure.one_hvp on"};
const Condition kOrderFile{[](S s) { return s.order.kind == OrderKind::file; }, "order.kind = file"};
const Condition kOwnBatches{[](S s) { return s.order.kind != OrderKind::file; }, "order.kind = fixed or shuffled"};
const Condition kStepSchedule{[](S s) { return s.train.schedule == Schedule::step; }, "train.schedule = step"};
const Condition kDecays{[](S s) { return s.train.weight_decay > 0; }, "train.weight_decay > 0"};
const Condition kSd{[](S s) { return s.loss.kind == LossKind::sd; }, "loss.kind = sd"};
const Condition kGamma{has_gamma, "loss.kind = sd or hess"};
const Condition kGammaDecays{[](S s) { return has_gamma(s) && s.loss.gamma_decay != 1; },
                             "loss.kind = sd or hess, and loss.gamma_decay other than 1"};
const Condition kForgetIndexed{
    [](S s) { return s.forget.kind == ForgetKind::step || (forgets_rows(s) && s.forget.kind != ForgetKind::file); },
    "forget.kind = batch, step, examples or class"};
const Condition kForgetCounted{
    [](S s) { return s.forget.kind == ForgetKind::examples || s.forget.kind == ForgetKind::ghost; },
    "forget.kind = examples or ghost"};
const Condition kForgetFile{[](S s) { return s.forget.kind == ForgetKind::file; }, "forget.kind = file"};
const Condition kShortBatches{
    [](S s) { return forgets_rows(s) && coupled(s) && !only_whole_batches(s); },
    "retrain.kind = coupled and a forget.kind that shortens batches (examples, class, file, or batch in an order that "
    "is not fixed)"};
const Condition kSkippedSteps{[](S s) { return s.forget.kind == ForgetKind::step || (forgets_rows(s) && coupled(s)); },
                              "retrain.kind = coupled and forget.kind = batch, step, examples, class or file"};
const Condition kForgetRows{forgets_rows, "forget.kind = batch, examples, class or file"};
const Condition kForgets{
    [](S s) { return single_gradient(s) && (forgets_rows(s) || s.forget.kind == ForgetKind::step); },
    "unlearn.method = single-gradient, and forget.kind = batch, step, examples, class or file"};
const Condition kPostStepBatchNorm{[](S s) {
                                     return single_gradient(s) && s.unlearn.rule == UnlearnRule::grad_list &&
                                            s.unlearn.gradient_at == GradientAt::post_step && has_batchnorm(s) &&
                                            s.model.batchnorm == BatchNormMode::train;
                                   },
                                   "unlearn.method = single-gradient, unlearn.rule = grad-list, unlearn.gradient_at = "
                                   "post-step, model.arch = resnet18 or vgg19, and model.batchnorm = "
                                   "train"};
const Condition kSingleGradient{single_gradient, "unlearn.method = single-gradient"};
const Condition kCorrectable{
    [](S s) { return single_gradient(s) && (s.train.momentum != 0 || s.train.weight_decay != 0); },
    "unlearn.method = single-gradient, and train.momentum or train.weight_decay above 0"};
const Condition kGradList{[](S s) { return single_gradient(s) && s.unlearn.rule == UnlearnRule::grad_list; },
                          "unlearn.method = single-gradient and unlearn.rule = grad-list"};
const Condition kCheckpoint{[](S s) { return single_gradient(s) && s.unlearn.rule == UnlearnRule::checkpoint; },
                            "unlearn.method = single-gradient and unlearn.rule = checkpoint"};
const Condition kOutputs{[](S s) { return s.measure.outputs; }, "measure.outputs = yes"};
const Condition kShadow{has_shadow, "measure.outputs = yes and prs.shadow = test or train"};
const Condition kShadowBatchNorm{
    [](S s) { return has_shadow(s) && has_batchnorm(s); },
    "model.arch = resnet18 or vgg19, measure.outputs = yes and prs.shadow = test or train"};
const Condition kCompares{compares, "noise.repeats, noise.orders or noise.inits set"};
const Condition kNormalises{[](S s) { return compares(s) && has_batchnorm(s); },
                            "model.arch = resnet18 or vgg19, and noise.repeats, noise.orders or noise.inits set"};

}  // namespace unroll::config::conditions
