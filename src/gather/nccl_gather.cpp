#include "unroll/gather/nccl_gather.hpp"

#include <c10/cuda/CUDAStream.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "gather/agreement.hpp"
#include "gather/requests.hpp"
#include "gather/tensor_pairs.hpp"
#include "unroll/nccl/nccl.hpp"

namespace unroll::gather {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

torch::ScalarType type_of(const Request& request) {
  return request.element == Element::float32 ? torch::kFloat32 : torch::kFloat64;
}

/// A view of the row where it lies.
torch::Tensor tensor_of(const Row& row, int device) {
  return std::visit(
      [device](const auto& values) {
        using Real = std::remove_const_t<typename std::decay_t<decltype(values)>::element_type>;
        auto* memory = const_cast<Real*>(values.data());
        const auto options = torch::TensorOptions().dtype(c10::CppTypeToScalarType<Real>::value);
        const bool here = !values.empty() && cuda::on_device(memory);
        return torch::from_blob(memory, {static_cast<std::int64_t>(values.size())},
                                here ? options.device(torch::kCUDA, static_cast<c10::DeviceIndex>(device)) : options);
      },
      row.weights);
}

/// One call of distances() on one rank, as far as its slice's sums.
class Gathering {
 public:
  Gathering(mpi::Exchange& exchange, nccl::Communicator& gpus, const mpi::Communicator& communicator,
            const Request& request, const Options& options, std::vector<int> owners, int device)
      : exchange_(exchange),
        gpus_(gpus),
        rank_(communicator.rank()),
        request_(request),
        owners_(std::move(owners)),
        blocks_(blocks_of(request.tensor_sizes)),
        slices_(slices_of(blocks_, communicator.size())),
        device_(torch::kCUDA, static_cast<c10::DeviceIndex>(device)),
        pairs_(request) {
    Options beside = options;
    beside.memory_bytes -= TensorPairs::memory_bytes(request);
    for (int rank = 0; rank < communicator.size(); ++rank) {
      // All rows of a round lie side by side, this rank's own too.
      plans_.push_back(
          rank_plan(request, beside, blocks_, slices_[static_cast<std::size_t>(rank)], request.num_models, rank == 0));
      num_rounds_ = std::max(num_rounds_, plans_.back().rounds.size());
    }
  }

  void measure(std::span<const Row> rows, SliceSums& sums) {
    rows_.resize(owners_.size());
    for (const Row& row : rows) {
      rows_[static_cast<std::size_t>(row.model)] = tensor_of(row, device_.index()).to(device_);
    }
    for (std::size_t round = 0; round < num_rounds_; ++round) {
      const auto start = Clock::now();
      const torch::Tensor all = exchange_round(round);
      work.exchange_s += since(start);
      const auto begin = Clock::now();
      measure_round(all, round, sums);
      work.products_s += since(begin);
    }
    work.memory_bytes = mine().memory_bytes + TensorPairs::memory_bytes(request_);
    work.num_rounds = static_cast<std::int64_t>(mine().rounds.size());
    work.num_directly = pairs_.num_directly();
  }

  [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
  [[nodiscard]] const std::vector<BlockRange>& slices() const { return slices_; }
  Work work;

 private:
  [[nodiscard]] const RankPlan& mine() const { return plans_[static_cast<std::size_t>(rank_)]; }

  static BlockRange round_of(const RankPlan& plan, std::size_t round) {
    return round < plan.rounds.size() ? plan.rounds[round] : BlockRange{};
  }

  static nccl::Message message(int peer, const torch::Tensor& values) {
    return {peer, values.data_ptr(), values.nbytes()};
  }

  [[nodiscard]] torch::Tensor columns(std::size_t model, BlockRange range) const {
    return rows_[model].narrow(0, first_column(blocks_, range), num_columns(blocks_, range));
  }

  /// The round's columns of all rows: [models, columns].
  torch::Tensor exchange_round(std::size_t round) {
    const BlockRange range = round_of(mine(), round);
    const torch::Tensor all = torch::empty({request_.num_models, num_columns(blocks_, range)},
                                           torch::TensorOptions().dtype(type_of(request_)).device(device_));
    std::vector<nccl::Message> sends, receives;
    for (std::size_t model = 0; model < owners_.size(); ++model) {
      if (owners_[model] == rank_) {
        all[static_cast<std::int64_t>(model)].copy_(columns(model, range));
        post_row(model, round, sends);
      } else if (all.size(1) > 0) {
        receives.push_back(message(owners_[model], all[static_cast<std::int64_t>(model)]));
        work.received_weights_bytes += static_cast<std::int64_t>(receives.back().size_bytes);
      }
    }
    const auto meanwhile = [this] { exchange_.poll(); };
    const auto stream = c10::cuda::getCurrentCUDAStream(device_.index());
    const auto handle = reinterpret_cast<std::uintptr_t>(stream.stream());
    cuda::Event done;
    gpus_.exchange(sends, receives, handle, meanwhile);
    done.record(handle);
    gpus_.wait(done, meanwhile);
    return all;
  }

  void post_row(std::size_t model, std::size_t round, std::vector<nccl::Message>& sends) {
    for (int to = 0; to < static_cast<int>(plans_.size()); ++to) {
      const BlockRange range = round_of(plans_[static_cast<std::size_t>(to)], round);
      if (to != rank_ && range.begin < range.end) {
        sends.push_back(message(to, columns(model, range)));
        work.sent_weights_bytes += static_cast<std::int64_t>(sends.back().size_bytes);
      }
    }
  }

  void measure_round(const torch::Tensor& all, std::size_t round, SliceSums& sums) {
    const BlockRange range = round_of(mine(), round);
    std::int64_t column = 0;
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const std::int64_t size = blocks_[static_cast<std::size_t>(i)].size;
      pairs_.add(all.narrow(1, column, size), sums.open());
      sums.end_block();
      column += size;
      exchange_.poll();
    }
  }

  mpi::Exchange& exchange_;
  nccl::Communicator& gpus_;
  int rank_;
  const Request& request_;
  std::vector<int> owners_;  // rank, by model
  std::vector<Block> blocks_;
  std::vector<BlockRange> slices_;   // by rank
  std::vector<RankPlan> plans_;      // by rank
  std::vector<torch::Tensor> rows_;  // by model, on the device; undefined: another rank's
  torch::Device device_;
  TensorPairs pairs_;
  std::size_t num_rounds_ = 0;  // of the rank that has most
};

class NcclGatherer final : public Gatherer {
 public:
  NcclGatherer(const mpi::Communicator& communicator, int device, const Options& options)
      : communicator_(communicator),
        device_(device),
        options_(options),
        over_mpi_(make_mpi_gatherer(communicator, options)) {}

  Distances distances(const Request& request, std::span<const Row> rows) override {
    check_request(request, rows);
    if (given_up_.empty()) {
      mpi::Exchange exchange(communicator_,
                             {static_cast<std::size_t>(piece_bytes(request, options_)), options_.silence});
      std::optional<Distances> found = by_gpus(exchange, request, rows);
      exchange.finish();
      if (found) {
        return std::move(*found);
      }
    }
    return by_mpi(request, rows);
  }

 private:
  /// Nothing if a rank's GPU failed.
  std::optional<Distances> by_gpus(mpi::Exchange& exchange, const Request& request, std::span<const Row> rows) {
    exchange.allow(options_.start);
    const std::vector<int> owners = agree_on_owners(exchange, communicator_, request, options_, rows);
    exchange.allow(options_.silence);
    // NCCL's start needs every rank, so each first tells whether it has its device.
    if (give_up(exchange, failure_of([&] { cuda::use_device(device_); }))) {
      return std::nullopt;
    }
    Totals totals(request);
    std::vector<KeptSegment> kept;
    std::optional<Gathering> gathering;
    const std::string failure = failure_of([&] {
      if (gpus_ == nullptr) {
        gpus_ = std::make_unique<nccl::Communicator>(exchange, communicator_.rank(), communicator_.size(),
                                                     options_.silence);
      }
      gathering.emplace(exchange, *gpus_, communicator_, request, options_, owners, device_);
      SliceSums sums(request, gathering->blocks(), gathering->slices()[static_cast<std::size_t>(communicator_.rank())],
                     [&](const Segment& segment, Sums& done) {
                       if (communicator_.rank() == 0) {
                         totals.add(segment.tensor, done);
                       } else {
                         kept.push_back({segment.tensor, std::move(done)});
                       }
                     });
      gathering->measure(rows, sums);
    });
    if (give_up(exchange, failure)) {
      return std::nullopt;
    }
    return add_up(exchange, request, *gathering, kept, totals);
  }

  /// What a GPU, or the way between GPUs, failed with; other errors pass through.
  static std::string failure_of(const std::function<void()>& work) {
    try {
      work();
      return "";
    } catch (const nccl::Failure& error) {
      return error.what();
    } catch (const cuda::Failure& error) {
      return error.what();
    } catch (const c10::Error& error) {
      return error.what_without_backtrace();
    }
  }

  /// Collective. On every rank if one has failed.
  bool give_up(mpi::Exchange& exchange, const std::string& failure) {
    given_up_ = first_failure(exchange, communicator_, failure);
    if (!given_up_.empty()) {
      gpus_.reset();
    }
    return !given_up_.empty();
  }

  Distances add_up(mpi::Exchange& exchange, const Request& request, const Gathering& gathering,
                   const std::vector<KeptSegment>& kept, Totals& totals) const {
    const auto start = Clock::now();
    const std::int64_t sent = exchange.sent_bytes();
    Distances distances;
    gather_sums(exchange, communicator_, request, gathering.blocks(), gathering.slices(), kept, totals);
    if (communicator_.rank() == 0) {
      distances = totals.finish(static_cast<std::int64_t>(gathering.blocks().size()));
    }
    if (request.everywhere) {
      share(exchange, communicator_, request, distances);
    }
    distances.work = gathering.work;
    distances.work.sums_s = since(start);
    distances.work.sent_sums_bytes = exchange.sent_bytes() - sent;
    return distances;
  }

  Distances by_mpi(const Request& request, std::span<const Row> rows) {
    std::vector<torch::Tensor> kept;
    std::vector<Row> here;
    for (const Row& row : rows) {
      kept.push_back(tensor_of(row, device_).cpu().contiguous());
      const auto count = static_cast<std::size_t>(kept.back().numel());
      here.push_back({row.model, request.element == Element::float32
                                     ? Weights(std::span<const float>(kept.back().data_ptr<float>(), count))
                                     : Weights(std::span<const double>(kept.back().data_ptr<double>(), count))});
    }
    Distances distances = over_mpi_->distances(request, here);
    distances.work.fallback = given_up_;
    return distances;
  }

  const mpi::Communicator& communicator_;
  int device_;
  Options options_;
  std::unique_ptr<Gatherer> over_mpi_;
  std::unique_ptr<nccl::Communicator> gpus_;
  std::string given_up_;  // why
};

}  // namespace

std::unique_ptr<Gatherer> make_nccl_gatherer(const mpi::Communicator& communicator, int device,
                                             const Options& options) {
  return std::make_unique<NcclGatherer>(communicator, device, options);
}

}  // namespace unroll::gather
