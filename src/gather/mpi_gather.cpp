#include <algorithm>
#include <chrono>
#include <utility>

#include "gather/agreement.hpp"
#include "gather/block_pairs.hpp"
#include "gather/requests.hpp"
#include "unroll/mpi/exchange.hpp"

namespace unroll::gather {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One call of distances() on one rank.
template <typename Real>
class Gathering {
 public:
  Gathering(mpi::Exchange& exchange, const mpi::Communicator& communicator, const Request& request,
            const Options& options, std::span<const Row> rows, std::vector<int> owners)
      : exchange_(exchange),
        communicator_(communicator),
        request_(request),
        owners_(std::move(owners)),
        rows_(pointers_of<Real>(request, rows)),
        blocks_(blocks_of(request.tensor_sizes)),
        slices_(slices_of(blocks_, communicator.size())) {
    for (int rank = 0; rank < communicator.size(); ++rank) {
      const auto num_own = std::count(owners_.begin(), owners_.end(), rank);
      plans_.push_back(rank_plan(request, options, blocks_, slices_[static_cast<std::size_t>(rank)],
                                 request.num_models - num_own, rank == 0));
      num_rounds_ = std::max(num_rounds_, plans_.back().rounds.size());
    }
    for (std::int64_t i = 0; i < mine().num_buffers; ++i) {
      buffers_.push_back(std::make_unique_for_overwrite<Real[]>(static_cast<std::size_t>(mine().buffer_elements)));
    }
  }

  Distances run() {
    Totals totals(request_);
    std::vector<KeptSegment> kept;
    SliceSums sums(request_, blocks_, mine().slice, [&](const Segment& segment, Sums& done) {
      if (communicator_.rank() == 0) {
        totals.add(segment.tensor, done);
      } else {
        kept.push_back({segment.tensor, std::move(done)});
      }
    });
    measure(sums);
    buffers_.clear();
    Distances distances = add_up(totals, kept);
    distances.work = work_;
    distances.work.memory_bytes = mine().memory_bytes;
    distances.work.num_rounds = static_cast<std::int64_t>(mine().rounds.size());
    distances.work.num_directly = pairs_.spent().num_directly;
    distances.work.products_s = pairs_.spent().products_s;
    distances.work.direct_s = pairs_.spent().direct_s;
    return distances;
  }

 private:
  [[nodiscard]] const RankPlan& mine() const { return plans_[static_cast<std::size_t>(communicator_.rank())]; }

  static BlockRange round_of(const RankPlan& plan, std::size_t round) {
    return round < plan.rounds.size() ? plan.rounds[round] : BlockRange{};
  }

  /// Posts the messages of a round: my rows' columns to those who measure them, the rows of others for mine.
  void post(std::size_t round) {
    if (round >= num_rounds_) {
      return;
    }
    for (int to = 0; to < communicator_.size(); ++to) {
      const BlockRange range = round_of(plans_[static_cast<std::size_t>(to)], round);
      if (to != communicator_.rank() && range.begin < range.end) {
        send(to, range);
      }
    }
    const auto width = static_cast<std::size_t>(num_columns(blocks_, round_of(mine(), round)));
    std::size_t place = 0;
    for (std::size_t model = 0; model < owners_.size() && width > 0; ++model) {
      if (owners_[model] != communicator_.rank()) {
        const std::span<Real> room(buffer(round) + place++ * width, width);
        exchange_.receive(owners_[model], std::as_writable_bytes(room));
      }
    }
  }

  void send(int to, BlockRange range) {
    const auto width = static_cast<std::size_t>(num_columns(blocks_, range));
    for (const Real* row : rows_) {
      if (row != nullptr) {
        exchange_.send(to, std::as_bytes(std::span(row + first_column(blocks_, range), width)));
      }
    }
  }

  Real* buffer(std::size_t round) { return buffers_[round % buffers_.size()].get(); }

  /// Where each row of a round lies.
  std::vector<const Real*> rows_of(std::size_t round) {
    const BlockRange range = round_of(mine(), round);
    std::vector<const Real*> rows;
    const Real* foreign = buffer(round);
    for (const Real* row : rows_) {
      rows.push_back(row != nullptr ? row + first_column(blocks_, range) : foreign);
      foreign += row != nullptr ? 0 : num_columns(blocks_, range);
    }
    return rows;
  }

  void measure(SliceSums& sums) {
    post(0);
    for (std::size_t round = 0; round < num_rounds_; ++round) {
      const auto start = Clock::now();
      exchange_.wait();
      work_.exchange_s += since(start);
      post(round + 1);
      std::vector<const Real*> rows = rows_of(round);
      const BlockRange range = round_of(mine(), round);
      for (std::int64_t block = range.begin; block < range.end; ++block) {
        const std::int64_t size = blocks_[static_cast<std::size_t>(block)].size;
        pairs_.add<Real>(rows, size, sums.open().all, sums.open().direct);
        sums.end_block();
        for (const Real*& row : rows) {
          row += size;
        }
        exchange_.poll();
      }
    }
    work_.sent_weights_bytes = exchange_.sent_bytes() - before_.sent;
    work_.received_weights_bytes = exchange_.received_bytes() - before_.received;
  }

  Distances add_up(Totals& totals, const std::vector<KeptSegment>& kept) {
    const auto start = Clock::now();
    const std::int64_t sent = exchange_.sent_bytes();
    gather_sums(exchange_, communicator_, request_, blocks_, slices_, kept, totals);
    Distances distances;
    if (communicator_.rank() == 0) {
      distances = totals.finish(static_cast<std::int64_t>(blocks_.size()));
    }
    if (request_.everywhere) {
      share(exchange_, communicator_, request_, distances);
    }
    work_.sums_s = since(start);
    work_.sent_sums_bytes = exchange_.sent_bytes() - sent;
    return distances;
  }

  struct Counted {
    std::int64_t sent, received;
  };

  mpi::Exchange& exchange_;
  const mpi::Communicator& communicator_;
  const Request& request_;
  std::vector<int> owners_;        // rank, by model
  std::vector<const Real*> rows_;  // by model; null: another rank's
  std::vector<Block> blocks_;
  std::vector<BlockRange> slices_;  // by rank
  std::vector<RankPlan> plans_;     // by rank
  std::vector<std::unique_ptr<Real[]>> buffers_;
  std::size_t num_rounds_ = 0;  // of the rank that has most
  BlockPairs pairs_{request_};
  Counted before_{exchange_.sent_bytes(), exchange_.received_bytes()};
  Work work_;
};

class MpiGatherer final : public Gatherer {
 public:
  MpiGatherer(const mpi::Communicator& communicator, const Options& options)
      : communicator_(communicator), options_(options) {}

  Distances distances(const Request& request, std::span<const Row> rows) override {
    check_request(request, rows);
    mpi::Exchange exchange(communicator_, {static_cast<std::size_t>(piece_bytes(request, options_)), options_.silence});
    exchange.allow(options_.start);
    const std::vector<int> owners = agree_on_owners(exchange, communicator_, request, options_, rows);
    exchange.allow(options_.silence);
    return request.element == Element::float32 ? run<float>(exchange, request, rows, owners)
                                               : run<double>(exchange, request, rows, owners);
  }

 private:
  template <typename Real>
  Distances run(mpi::Exchange& exchange, const Request& request, std::span<const Row> rows,
                const std::vector<int>& owners) const {
    Distances distances = Gathering<Real>(exchange, communicator_, request, options_, rows, owners).run();
    exchange.finish();
    return distances;
  }

  const mpi::Communicator& communicator_;
  Options options_;
};

}  // namespace

std::unique_ptr<Gatherer> make_mpi_gatherer(const mpi::Communicator& communicator, const Options& options) {
  return std::make_unique<MpiGatherer>(communicator, options);
}

}  // namespace unroll::gather
