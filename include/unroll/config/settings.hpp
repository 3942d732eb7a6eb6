#pragma once
// The study as typed data. Settings holds one value for every key: it is what one cell of the grid says, seed excluded.
// The table in keys.hpp says of each key how it is read, its range, its default and whether it is scientific.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace unroll::config {

enum class Dataset { optdigits, mnist, fashion_mnist, cifar10, cifar100, imdb, hdf5 };
enum class CifarLabels { fine, coarse };
enum class TextFeatures { tfidf, bow };  // of reviews: src/dataset/README.md
enum class Arch { linear, mlp, resnet18, vgg19 };
enum class Activation { relu, tanh, silu };
enum class Dtype { float32, float64 };
enum class BatchNormMode { train, frozen, eval_after };  // frozen: w_0's running statistics are used and never change
enum class OrderKind { fixed, shuffled, file };
enum class PretrainOn { split, retain, all, none };
enum class PretrainLoss { ce, train };  // train: the loss of [loss]
enum class Schedule { constant, step, cosine };
enum class LossKind { ce, sd, hess };
enum class SdForm { published, mean };  // METHODS A13: published divides by the classes too
enum class L2In { optimizer, loss };    // where train.weight_decay acts: in SGD's step alone, or as a term of the loss
enum class ForgetKind { batch, step, examples, class_, file, none, ghost };
enum class Denominator { left, batch };
enum class Skip { freeze, coast };
enum class RetrainKind { coupled, fresh };
enum class UnlearnMethod { single_gradient, first_order, none };
enum class UnlearnRule { epoch_scaled, grad_list, checkpoint, final_weights };
enum class UnlearnForm { difference, published };  // DESIGN 4.5
enum class GradientAt { pre_step, post_step };     // METHODS A4
enum class GradientStatistics { kept, moved };     // METHODS A4: moved by the gradient's own forward pass
enum class Correction { none, exact };             // of momentum and weight decay: METHODS, read this first, 3
enum class Sigma { lanczos, power, none };
enum class SigmaMode { train, eval };
enum class HessianKind { first, batch, file };  // first:n examples | current batch | file of data set rows
enum class PrsShadow { none, test, train };     // whose first half the shadow model's members are
enum class PrsScores { softmax, logits };       // METHODS A7
enum class PrsBins { shared, own };             // METHODS A9
enum class PrsStatistics { running, batch };    // METHODS A8
enum class NoiseAt { last, measured };          // which steps of a run its comparison group is compared at
enum class Normalise { none, filters };         // before distances: as they are, or without the scale of filters
enum class WeightsOutput { none, final_step };
enum class Device { auto_, cpu, cuda };
enum class Gather { auto_, nccl, mpi };

struct Settings {
  struct Data {
    Dataset dataset = Dataset::optdigits;
    std::string path;                             // folder or file; empty: the embedded optdigits
    std::optional<std::int64_t> train_size;       // first n training rows
    std::optional<std::int64_t> test_size;        // first n test rows
    CifarLabels labels = CifarLabels::fine;       // cifar100 only
    TextFeatures features = TextFeatures::tfidf;  // imdb only
    std::int64_t feature_columns = 768;           // imdb only: words are hashed into so many
    std::vector<double> mean;                     // per channel (or one for all); empty: the data set's constants
    std::vector<double> std_dev;                  // key data.std
  } data;
  struct Model {
    Arch arch = Arch::mlp;
    std::vector<std::int64_t> hidden = {64};  // mlp only: widths of the hidden layers
    Activation activation = Activation::relu;
    Dtype dtype = Dtype::float32;
    BatchNormMode batchnorm = BatchNormMode::train;
    std::int64_t batchnorm_steps = 1;  // eval-after: steps of M that train as usual, before the statistics stand still
  } model;
  struct Seed {  // unset: follows study.seeds
    std::optional<std::int64_t> split, init, pretrain_order, order, eval;
  } seed;
  struct Init {
    std::string file;
  } init;
  struct Order {
    OrderKind kind = OrderKind::fixed;
    std::string file;
  } order;
  struct Pretrain {
    PretrainOn on = PretrainOn::split;
    double fraction = 0.5;  // of the training rows, for on = split
    std::int64_t epochs = 5;
    double lr = 0.05;
    std::int64_t batch = 64;
    double momentum = 0;
    double weight_decay = 0;
    PretrainLoss loss = PretrainLoss::ce;
  } pretrain;
  struct Train {
    std::optional<std::int64_t> epochs;  // exactly one of epochs and steps; default epochs = 1
    std::optional<std::int64_t> steps;
    double lr = 0.01;
    std::int64_t batch = 32;
    double momentum = 0;
    double weight_decay = 0;
    Schedule schedule = Schedule::constant;
    std::int64_t schedule_every = 0;  // step: multiply lr by schedule_factor every so many steps
    double schedule_factor = 0.1;
    L2In l2_in = L2In::optimizer;
  } train;
  struct Loss {
    LossKind kind = LossKind::ce;
    double gamma = 0;  // sd and hess
    SdForm sd = SdForm::published;
    double gamma_decay = 1;               // divides gamma along M's clock
    std::int64_t gamma_decay_every = 10;  // epochs
  } loss;
  struct Forget {
    ForgetKind kind = ForgetKind::batch;
    std::vector<std::int64_t> index = {0};  // batches, steps, positions in the fine-tuning part, or classes
    std::int64_t count = 1;                 // examples, ghost: how many from each index on
    std::string file;                       // file: HDF5 dataset "rows" of data set rows
  } forget;
  struct Retrain {
    Denominator denominator = Denominator::left;
    Skip skip = Skip::freeze;
    RetrainKind kind = RetrainKind::coupled;
  } retrain;
  struct Unlearn {
    UnlearnMethod method = UnlearnMethod::single_gradient;
    UnlearnRule rule = UnlearnRule::epoch_scaled;  // this and what follows: single-gradient only
    UnlearnForm form = UnlearnForm::difference;
    Correction correction = Correction::none;
    GradientAt gradient_at = GradientAt::pre_step;  // key unlearn.gradient_at; grad-list only
    std::int64_t checkpoint_every = 10;             // rule checkpoint only, in steps
    GradientStatistics statistics = GradientStatistics::kept;
    std::int64_t gradient_of_last = 0;  // key unlearn.gradient_of: the last so many rows (METHODS A6); 0: F
  } unlearn;
  struct Measure {
    std::optional<std::int64_t> every;  // exactly one of every and steps; default: the last step only
    std::vector<std::int64_t> steps;
    Sigma sigma = Sigma::lanczos;
    std::optional<std::int64_t> sigma_every;  // unset: no rolling mean
    SigmaMode sigma_mode = SigmaMode::train;
    HessianKind hessian = HessianKind::first;  // written first:512, batch, file:PATH
    std::int64_t hessian_first = 512;
    std::string hessian_file;         // HDF5 dataset "rows"
    std::int64_t lanczos_steps = 20;  // at most
    double lanczos_tolerance = 1e-6;  // relative error of sigma at which Lanczos stops; 0: never
    bool warm_start = false;          // start from the last vector kept at a multiple of sigma_every
    std::int64_t power_iterations = 100;
    double power_tolerance = 1e-3;
    bool one_hvp = true;                    // the one-HVP proxy (METHODS, read this first, 4)
    bool outputs = true;                    // accuracies, losses and output distances
    std::optional<std::int64_t> eval_rows;  // at most so many rows of the retain and test sets; unset: all
    bool layers = false;                    // per-layer distances in /layers
  } measure;
  struct Prs {  // privacy risk scores of the pair's models by a shadow model (metrics/privacy_risk.hpp)
    PrsShadow shadow = PrsShadow::none;
    std::int64_t epochs = 20;  // of the shadow model's training
    double lr = 0.05;
    std::int64_t batch = 64;
    double momentum = 0;
    double weight_decay = 0;
    PretrainLoss loss = PretrainLoss::ce;
    PrsScores scores = PrsScores::softmax;
    PrsBins bins = PrsBins::shared;
    PrsStatistics statistics = PrsStatistics::running;  // of BatchNorm, when rows are scored
  } prs;
  struct Noise {               // noise floors of the verification error (DESIGN 4.10, src/plan/README.md)
    bool ulp = false;          // floor (0): M beside its twin, whose w_0 is a random ulp away
    std::int64_t repeats = 0;  // floor (i): M' trained so many times more
    std::vector<std::int64_t> orders, inits;  // floors (ii), (iii): seeds of M' under other orders, from other w_0
    NoiseAt at = NoiseAt::last;
    Normalise normalise = Normalise::none;
  } noise;
  struct Output {
    WeightsOutput weights = WeightsOutput::none;
    bool logits = false;
  } output;
  struct Run {
    std::optional<std::int64_t> lanes;  // unset: auto
    std::int64_t threads = 1;
    Device device = Device::auto_;
    bool tf32 = false;
    Gather gather = Gather::auto_;
    double checkpoint = 30;  // minutes between checkpoints of training in hand; 0: none
    bool share = true;       // no: each fork trains its own pretraining and M again (a check: the same results)
    bool fork = true;        // no: each M' trains from w_0, in a lane of its own (a check: the same results)
  } run;
};

}  // namespace unroll::config
