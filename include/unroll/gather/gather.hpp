#pragma once
// Distances between models whose weights lie as rows on their ranks. The rows are exchanged by slices of parameters:
// each rank gets the same whole blocks (65,536 parameters of one tensor, base/block_sum.hpp) of all rows, so that every
// weight crosses once at most; measures all pairs on its slice, and rank 0 adds the blocks' results in index order.
//
// Invariants
// - One group gives the same bits on any number of ranks, whichever rank owns a row, in any number of rounds, and
//   in-process. Pairs that are asked for directly have the bits of metrics::pair_distances's no_unlearning.
// - |squared - exact| <= bound for every pair, in total and for every layer, for the exact distance of the given
// weights
//   (of one that does not overflow).
//   Direct: (8,205 + blocks + tensors) * 2^-53 relative. All pairs: by products, block by block; where a block's bound
//   exceeds `tolerance` relative (near neighbours, and equal rows), that block of that pair is measured directly.
// - Equal rows are exactly 0.0 apart. Values that are not finite make the pairs of their own row not finite.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace unroll::mpi {
class Communicator;
}

namespace unroll::gather {

enum class Element { float32, float64 };

/// One model's parameters, tensor behind tensor as in model::Layout; the caller's memory.
using Weights = std::variant<std::span<const float>, std::span<const double>>;
struct Row {
  std::int64_t model = 0;  // in [0, num_models)
  Weights weights;
};

struct Pair {
  std::int64_t first = 0, second = 0;
};

/// What is asked for; the same on every rank.
struct Request {
  std::int64_t num_models = 0;
  std::vector<std::int64_t> tensor_sizes;
  Element element = Element::float32;
  bool all_pairs = true;
  std::vector<Pair> direct;  // measured directly, beside all pairs
  bool layers = false;       // each tensor's distances too
  double tolerance = 1e-6;   // relative, of squared distances from products
  bool everywhere = false;   // every rank gets the result, not rank 0 alone
};

struct Options {
  /// Of a rank, beside its rows. Columns are taken in as many rounds as that needs; Error names the least that is
  /// enough. Rank 0 holds the result beside it.
  std::int64_t memory_bytes = std::int64_t{2} << 30;
  /// No message is longer.
  std::int64_t piece_elements = std::int64_t{1} << 26;
  /// A rank of which nothing was heard for so long is named in an Error.
  std::chrono::milliseconds silence{60'000};
  /// Until all ranks have come.
  std::chrono::milliseconds start{600'000};
};

/// One value a pair.
struct PairSums {
  std::vector<double> squared;
  std::vector<double> bound;
};

/// What a rank did.
struct Work {
  std::int64_t sent_weights_bytes = 0, received_weights_bytes = 0, sent_sums_bytes = 0;
  std::int64_t memory_bytes = 0;  // as planned: the most that it may have held at once, beside rows and result
  std::int64_t num_rounds = 0;
  std::int64_t num_directly = 0;  // blocks of pairs of `all` that were measured directly
  double exchange_s = 0, products_s = 0, direct_s = 0, sums_s = 0;
  std::string fallback;  // why GPUs did not do it and MPI did; empty: they did, or were not asked to
};

struct Distances {
  PairSums all;                                     // by pair_index; empty unless all_pairs
  PairSums direct;                                  // in the order of Request::direct
  std::vector<PairSums> all_layers, direct_layers;  // one a tensor; empty unless layers
  Work work;                                        // this rank's
};

/// (0,1), (0,2), ..., (1,2), ...; first < second.
[[nodiscard]] inline std::int64_t pair_index(std::int64_t num_models, std::int64_t first, std::int64_t second) {
  return first * num_models - first * (first + 1) / 2 + second - first - 1;
}
[[nodiscard]] inline std::int64_t num_pairs(std::int64_t num_models) { return num_models * (num_models - 1) / 2; }

class Gatherer {
 public:
  virtual ~Gatherer() = default;
  /// Collective. Every model is a row of one rank. Rank 0 gets the distances, others only `work`, unless `everywhere`.
  /// Error: a model without a row or with two, ranks that ask for different things, too little memory, a silent rank.
  /// After an Error of one rank the others find it silent: it is to end the job.
  [[nodiscard]] virtual Distances distances(const Request& request, std::span<const Row> rows) = 0;
};

/// All rows are here; no MPI.
[[nodiscard]] std::unique_ptr<Gatherer> make_local_gatherer(const Options& options);
/// The ranks of the communicator, which outlives the gatherer and is used by nobody else meanwhile.
[[nodiscard]] std::unique_ptr<Gatherer> make_mpi_gatherer(const mpi::Communicator& communicator,
                                                          const Options& options);

}  // namespace unroll::gather
