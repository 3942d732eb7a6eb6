#include "unroll/config/keys.hpp"

#include <algorithm>
#include <array>

#include "codec.hpp"
#include "conditions.hpp"
#include "unroll/base/error.hpp"

namespace unroll::config {
namespace {

using namespace conditions;
using S = Settings;
using enum KeyRole;
using enum KeyShape;

template <typename Codec, auto Section, auto Field>
void read_field(std::string_view text, Settings& settings) {
  auto value = Codec::parse(text);
  if (!value) {
    throw UsageError(std::string(Codec::range()));
  }
  (settings.*Section).*Field = std::move(*value);
}

template <typename Codec, auto Section, auto Field>
std::string canonical_field(const Settings& settings) {
  return Codec::format((settings.*Section).*Field);
}

template <typename Codec, auto Section, auto Field>
Key key(std::string_view name, std::string_view help, const Condition& acts = kAlways, KeyShape shape = axis,
        KeyRole role = scientific) {
  return {name,
          role,
          shape,
          Codec::kType,
          Codec::range(),
          help,
          read_field<Codec, Section, Field>,
          canonical_field<Codec, Section, Field>,
          acts};
}

constexpr std::string_view kHessianRange = "first:N (N from 1 to 2147483647), batch or file:PATH";

void read_hessian(std::string_view text, Settings& settings) {
  auto& measure = settings.measure;
  if (text == "batch") {
    measure.hessian = HessianKind::batch;
  } else if (const auto count = text.starts_with("first:") ? Count::parse(text.substr(6)) : std::nullopt) {
    measure.hessian = HessianKind::first;
    measure.hessian_first = *count;
  } else if (const auto path = text.starts_with("file:") ? Path::parse(text.substr(5)) : std::nullopt) {
    measure.hessian = HessianKind::file;
    measure.hessian_file = *path;
  } else {
    throw UsageError(std::string(kHessianRange));
  }
}

std::string canonical_hessian(const Settings& settings) {
  switch (settings.measure.hessian) {
    case HessianKind::first:
      return "first:" + std::to_string(settings.measure.hessian_first);
    case HessianKind::file:
      return "file:" + settings.measure.hessian_file;
    case HessianKind::batch:
      break;
  }
  return "batch";
}

using Number = Real<AnyNumber>;
using Rate = Real<Positive>;
using Weight = Real<NotNegative>;

const auto& table() {
  static const auto keys = std::to_array<Key>({
      key<Choice<Dataset>, &S::data, &S::Data::dataset>("data.dataset", "the data set"),
      key<Path, &S::data, &S::Data::path>("data.path", "its folder or file (optdigits is built in)"),
      key<Optional<Count>, &S::data, &S::Data::train_size>("data.train_size", "use the first so many training rows"),
      key<Optional<Count>, &S::data, &S::Data::test_size>("data.test_size", "use the first so many test rows"),
      key<Choice<CifarLabels>, &S::data, &S::Data::labels>("data.labels", "which labels of CIFAR-100", kCifar100),
      key<Choice<TextFeatures>, &S::data, &S::Data::features>(
          "data.features",
          "of texts: word counts weighted by TF-IDF, its idf fitted on the rows that pretrain; or unweighted", kTexts),
      key<Integer<2, 65536>, &S::data, &S::Data::feature_columns>("data.feature_columns",
                                                                  "columns that words are hashed into", kTexts),
      key<ChannelList<Number>, &S::data, &S::Data::mean>("data.mean", "subtracted from scaled inputs", kScaled, list),
      key<ChannelList<Rate>, &S::data, &S::Data::std_dev>("data.std", "divides centred inputs", kScaled, list),

      key<Choice<Arch>, &S::model, &S::Model::arch>("model.arch", "the network"),
      key<Widths, &S::model, &S::Model::hidden>("model.hidden", "widths of the mlp's hidden layers", kMlp),
      key<Choice<Activation>, &S::model, &S::Model::activation>("model.activation", "non-linearity", kHasActivation),
      key<Choice<Dtype>, &S::model, &S::Model::dtype>("model.dtype", "precision of weights and training"),
      key<Choice<BatchNormMode>, &S::model, &S::Model::batchnorm>(
          "model.batchnorm",
          "train: as usual; frozen: the statistics of w_0 for ever; eval-after: as usual in the first batchnorm_steps "
          "steps of M, then their statistics for ever",
          kHasBatchNorm),
      key<Count, &S::model, &S::Model::batchnorm_steps>(
          "model.batchnorm_steps", "steps of M before BatchNorm's statistics stand still", kEvalAfter),

      key<Optional<SeedValue>, &S::seed, &S::Seed::split>("seed.split", "seed of the pretraining split", kSplit),
      key<Optional<SeedValue>, &S::seed, &S::Seed::init>("seed.init", "seed of the initialisation", kNoInitFile),
      key<Optional<SeedValue>, &S::seed, &S::Seed::pretrain_order>("seed.pretrain_order",
                                                                   "seed of the pretraining's batch order", kPretrains),
      key<Optional<SeedValue>, &S::seed, &S::Seed::order>("seed.order", "seed of the batch order", kShuffled),
      key<Optional<SeedValue>, &S::seed, &S::Seed::eval>("seed.eval", "seed of the eigenvalue solver's start", kSigma),

      key<Path, &S::init, &S::Init::file>("init.file", "HDF5 file of initial weights"),
      key<Choice<OrderKind>, &S::order, &S::Order::kind>("order.kind", "the batch order"),
      key<Path, &S::order, &S::Order::file>("order.file", "HDF5 file of the batch order", kOrderFile),

      key<Choice<PretrainOn>, &S::pretrain, &S::Pretrain::on>("pretrain.on", "what w_0 is trained on"),
      key<Real<Fraction>, &S::pretrain, &S::Pretrain::fraction>("pretrain.fraction", "part of the training rows",
                                                                kSplit),
      key<Count, &S::pretrain, &S::Pretrain::epochs>("pretrain.epochs", "epochs of pretraining", kPretrains),
      key<Rate, &S::pretrain, &S::Pretrain::lr>("pretrain.lr", "learning rate of pretraining", kPretrains),
      key<Count, &S::pretrain, &S::Pretrain::batch>("pretrain.batch", "batch size of pretraining", kPretrains),
      key<Real<BelowOne>, &S::pretrain, &S::Pretrain::momentum>("pretrain.momentum", "momentum of pretraining",
                                                                kPretrains),
      key<Weight, &S::pretrain, &S::Pretrain::weight_decay>("pretrain.weight_decay", "weight decay of pretraining",
                                                            kPretrains),
      key<Choice<PretrainLoss>, &S::pretrain, &S::Pretrain::loss>(
          "pretrain.loss", "loss of pretraining: cross-entropy, or that of [loss]", kPretrains),

      key<Optional<Count>, &S::train, &S::Train::epochs>("train.epochs", "epochs of M (default 1)"),
      key<Optional<Count>, &S::train, &S::Train::steps>("train.steps", "steps of M, instead of epochs"),
      key<Rate, &S::train, &S::Train::lr>("train.lr", "learning rate"),
      key<Count, &S::train, &S::Train::batch>("train.batch", "batch size", kOwnBatches),
      key<Real<BelowOne>, &S::train, &S::Train::momentum>("train.momentum", "momentum"),
      key<Weight, &S::train, &S::Train::weight_decay>("train.weight_decay", "weight decay"),
      key<Choice<Schedule>, &S::train, &S::Train::schedule>("train.schedule", "course of the learning rate"),
      key<Count, &S::train, &S::Train::schedule_every>("train.schedule_every", "steps between two cuts of the rate",
                                                       kStepSchedule),
      key<Rate, &S::train, &S::Train::schedule_factor>("train.schedule_factor", "factor of a cut", kStepSchedule),
      key<Choice<L2In>, &S::train, &S::Train::l2_in>(
          "train.l2_in",
          "weight decay in SGD's step alone, or a term of the loss: then gradients that are added back and the Hessian "
          "have it, and a step without rows (retrain.skip = coast) has none",
          kDecays),

      key<Choice<LossKind>, &S::loss, &S::Loss::kind>(
          "loss.kind",
          "cross-entropy; with gamma times the logits' standard deviation (sd); with gamma mean (1 - sum p^2) (hess)"),
      key<Weight, &S::loss, &S::Loss::gamma>("loss.gamma", "weight of the second term", kGamma),
      key<Choice<SdForm>, &S::loss, &S::Loss::sd>(
          "loss.sd", "mean standard deviation, or that divided by the number of classes, as published", kSd),
      key<Real<AtLeastOne>, &S::loss, &S::Loss::gamma_decay>(
          "loss.gamma_decay",
          "divides gamma after M's first step in every gamma_decay_every-th epoch (not in epoch 0, nor in pretraining)",
          kGamma),
      key<Count, &S::loss, &S::Loss::gamma_decay_every>("loss.gamma_decay_every",
                                                        "epochs of M between two divisions of gamma", kGammaDecays),

      key<Choice<ForgetKind>, &S::forget, &S::Forget::kind>("forget.kind", "what is forgotten"),
      key<NumberSet, &S::forget, &S::Forget::index>("forget.index", "which batch, step, example or class",
                                                    kForgetIndexed),
      key<Count, &S::forget, &S::Forget::count>("forget.count", "how many examples from each index on", kForgetCounted),
      key<Path, &S::forget, &S::Forget::file>("forget.file", "HDF5 file of training rows", kForgetFile),

      key<Choice<Denominator>, &S::retrain, &S::Retrain::denominator>(
          "retrain.denominator", "mean over the rows left or over the batch size", kShortBatches),
      key<Choice<Skip>, &S::retrain, &S::Retrain::skip>("retrain.skip", "what a step without rows does", kSkippedSteps),
      key<Choice<RetrainKind>, &S::retrain, &S::Retrain::kind>(
          "retrain.kind", "coupled: M's batches without F; fresh: the rows left, batched anew", kForgetRows),

      key<Choice<UnlearnMethod>, &S::unlearn, &S::Unlearn::method>(
          "unlearn.method", "single-gradient; first-order: M' - M linearised along M's steps; none: M'' is M"),
      key<Choice<UnlearnRule>, &S::unlearn, &S::Unlearn::rule>("unlearn.rule", "its rule for several epochs",
                                                               kSingleGradient),
      key<Choice<UnlearnForm>, &S::unlearn, &S::Unlearn::form>(
          "unlearn.form", "difference of batch gradients, or the published gradient of F", kSingleGradient),
      key<Choice<Correction>, &S::unlearn, &S::Unlearn::correction>(
          "unlearn.correction", "none: as published; exact: for what momentum and decay make of a gradient",
          kCorrectable),
      key<Choice<GradientAt>, &S::unlearn, &S::Unlearn::gradient_at>("unlearn.gradient_at",
                                                                     "weights of the listed gradients", kGradList),
      key<Count, &S::unlearn, &S::Unlearn::checkpoint_every>("unlearn.checkpoint_every", "steps between checkpoints",
                                                             kCheckpoint),
      key<Choice<GradientStatistics>, &S::unlearn, &S::Unlearn::statistics>(
          "unlearn.statistics",
          "BatchNorm's statistics of M and M'': as M's training left them, or moved by the listed gradients' forward "
          "passes too, as published",
          kPostStepBatchNorm),
      key<GradientRows, &S::unlearn, &S::Unlearn::gradient_of_last>(
          "unlearn.gradient_of",
          "whose gradient is added back: that of what M' goes without, or, as once published, of the last N rows of "
          "the "
          "fine-tuning part",
          kForgets),

      key<Optional<Count>, &S::measure, &S::Measure::every>("measure.every",
                                                            "measure at multiples of so many steps and at the end"),
      key<StepList, &S::measure, &S::Measure::steps>("measure.steps", "measure at these steps", kAlways, list),
      key<Choice<Sigma>, &S::measure, &S::Measure::sigma>("measure.sigma", "solver of the top eigenvalue"),
      key<Optional<Count>, &S::measure, &S::Measure::sigma_every>(
          "measure.sigma_every", "rolling mean over multiples of so many steps", kSigma),
      key<Choice<SigmaMode>, &S::measure, &S::Measure::sigma_mode>("measure.sigma_mode",
                                                                   "BatchNorm mode of the Hessian", kBatchNormHessian),
      Key{"measure.hessian", scientific, axis, ValueType::text, kHessianRange, "examples of the Hessian", read_hessian,
          canonical_hessian, kHessian},
      key<Integer<1, 10000>, &S::measure, &S::Measure::lanczos_steps>("measure.lanczos_steps", "Lanczos steps, at most",
                                                                      kLanczos),
      key<Real<BelowOne>, &S::measure, &S::Measure::lanczos_tolerance>(
          "measure.lanczos_tolerance", "relative error of sigma at which they stop (0: never)", kLanczos),
      key<Choice<bool>, &S::measure, &S::Measure::warm_start>(
          "measure.warm_start", "start Lanczos from the vector found at the last multiple of sigma_every", kWarmStart),
      key<Integer<1, 1000000>, &S::measure, &S::Measure::power_iterations>("measure.power_iterations",
                                                                           "power iterations, at most", kPower),
      key<Rate, &S::measure, &S::Measure::power_tolerance>("measure.power_tolerance",
                                                           "relative change at which they stop", kPower),
      key<Choice<bool>, &S::measure, &S::Measure::one_hvp>("measure.one_hvp", "the one-HVP proxy"),
      key<Choice<bool>, &S::measure, &S::Measure::outputs>("measure.outputs", "accuracies and output distances"),
      key<Optional<Count>, &S::measure, &S::Measure::eval_rows>("measure.eval_rows",
                                                                "at most so many retained and test rows", kOutputs),
      key<Choice<bool>, &S::measure, &S::Measure::layers>("measure.layers", "distances of every layer"),

      key<Choice<PrsShadow>, &S::prs, &S::Prs::shadow>(
          "prs.shadow",
          "privacy risk scores by a shadow model of the same kind, trained on the first half of the test rows, which "
          "its "
          "target never saw, and calibrated on the other half; train: as published, on the first half of the training "
          "rows, and calibrated on the first half of the test rows",
          kOutputs),
      key<Count, &S::prs, &S::Prs::epochs>("prs.epochs", "epochs of the shadow model", kShadow),
      key<Rate, &S::prs, &S::Prs::lr>("prs.lr", "learning rate of the shadow model", kShadow),
      key<Count, &S::prs, &S::Prs::batch>("prs.batch", "batch size of the shadow model", kShadow),
      key<Real<BelowOne>, &S::prs, &S::Prs::momentum>("prs.momentum", "momentum of the shadow model", kShadow),
      key<Weight, &S::prs, &S::Prs::weight_decay>("prs.weight_decay", "weight decay of the shadow model", kShadow),
      key<Choice<PretrainLoss>, &S::prs, &S::Prs::loss>(
          "prs.loss", "loss of the shadow model: cross-entropy, or that of [loss]", kShadow),
      key<Choice<PrsScores>, &S::prs, &S::Prs::scores>(
          "prs.scores", "what the modified entropy is taken of: the softmax, or (as published) raw logits", kShadow),
      key<Choice<PrsBins>, &S::prs, &S::Prs::bins>(
          "prs.bins", "5 logarithmic bins for members and others alike, or (as published) 10 equal ones for each",
          kShadow),
      key<Choice<PrsStatistics>, &S::prs, &S::Prs::statistics>(
          "prs.statistics", "BatchNorm of scored rows: running statistics, or (as published) those of each 32 rows",
          kShadowBatchNorm),

      key<Choice<bool>, &S::noise, &S::Noise::ulp>("noise.ulp", "floor (0): M beside M from a w_0 one random ulp away",
                                                   kAlways, scalar),
      key<Integer<0, 1000>, &S::noise, &S::Noise::repeats>("noise.repeats", "floor (i): train M' so many times more",
                                                           kAlways, scalar),
      key<SeedList, &S::noise, &S::Noise::orders>("noise.orders", "floor (ii): M' in the batch orders of these seeds",
                                                  kOwnBatches, list),
      key<SeedList, &S::noise, &S::Noise::inits>("noise.inits", "floor (iii): M' from the w_0 of these seeds",
                                                 kNoInitFile, list),
      key<Choice<NoiseAt>, &S::noise, &S::Noise::at>(
          "noise.at", "compare at a run's last measured step, or at every one", kCompares, scalar),
      key<Choice<Normalise>, &S::noise, &S::Noise::normalise>(
          "noise.normalise", "give distances too without the scale of filters before BatchNorm", kNormalises, scalar),

      key<Choice<WeightsOutput>, &S::output, &S::Output::weights>("output.weights", "weights to keep", kAlways, scalar,
                                                                  operational),
      key<Choice<bool>, &S::output, &S::Output::logits>("output.logits", "keep the pair's outputs", kAlways, scalar,
                                                        operational),
      key<Lanes, &S::run, &S::Run::lanes>("run.lanes", "models side by side in a pack", kAlways, scalar, operational),
      key<Choice<bool>, &S::run, &S::Run::share>("run.share", "train once what runs have in common (no: a check)",
                                                 kAlways, scalar, operational),
      key<Choice<bool>, &S::run, &S::Run::fork>("run.fork", "train M' from where it leaves M (no: a check)", kAlways,
                                                scalar, operational),
      key<Integer<1, 1024>, &S::run, &S::Run::threads>("run.threads", "threads of a rank", kAlways, scalar),
      key<Choice<Device>, &S::run, &S::Run::device>("run.device", "where to compute", kAlways, scalar, operational),
      key<Choice<Gather>, &S::run, &S::Run::gather>("run.gather", "how weights of comparison groups meet", kAlways,
                                                    scalar, operational),
      key<Weight, &S::run, &S::Run::checkpoint>("run.checkpoint", "minutes between checkpoints of training; 0: none",
                                                kAlways, scalar, operational),
      key<Choice<bool>, &S::run, &S::Run::tf32>("run.tf32", "products on GPUs with 10-bit mantissas (TF32)", kAlways,
                                                scalar),
  });
  return keys;
}

bool is_named(const Key& key, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return name.ends_with('.') ? key.name.starts_with(name) : key.name == name;
  });
}

}  // namespace

std::span<const Key> keys() { return table(); }

const Key* find_key(std::string_view name) {
  const auto found = std::find_if(table().begin(), table().end(), [&](const Key& key) { return key.name == name; });
  return found == table().end() ? nullptr : &*found;
}

std::vector<const Key*> select_keys(std::span<const std::string_view> names) {
  std::vector<const Key*> selected;
  for (const Key& key : table()) {
    if (is_named(key, names)) {
      selected.push_back(&key);
    }
  }
  return selected;
}

std::string canonical_text(const Settings& settings, std::span<const Key* const> selected) {
  std::string text;
  for (const Key* key : selected) {
    text += key->name;
    text += '=';
    if (key->acts.holds(settings)) {
      text += key->canonical(settings);
    }
    text += '\n';
  }
  return text;
}

std::string canonical_text(const Settings& settings, std::span<const std::string_view> names) {
  return canonical_text(settings, select_keys(names));
}

}  // namespace unroll::config
