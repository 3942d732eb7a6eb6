#include "gather/block_pairs.hpp"
#include "gather/rank_plan.hpp"
#include "gather/requests.hpp"
#include "gather/totals.hpp"

namespace unroll::gather {
namespace {

template <typename Real>
Distances measure(const Request& request, const Options& options, std::span<const Row> rows) {
  const std::vector<Block> blocks = blocks_of(request.tensor_sizes);
  const BlockRange all{0, static_cast<std::int64_t>(blocks.size())};
  const RankPlan plan = rank_plan(request, options, blocks, all, 0, true);
  Totals totals(request);
  SliceSums sums(request, blocks, all,
                 [&totals](const Segment& segment, Sums& done) { totals.add(segment.tensor, done); });
  BlockPairs pairs(request);
  const std::vector<const Real*> starts = pointers_of<Real>(request, rows);
  std::vector<const Real*> at(starts.size());
  for (const Block& block : blocks) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      at[i] = starts[i] + block.offset;
    }
    pairs.add<Real>(at, block.size, sums.open().all, sums.open().direct);
    sums.end_block();
  }
  Distances distances = totals.finish(static_cast<std::int64_t>(blocks.size()));
  Work& work = distances.work;
  work.memory_bytes = plan.memory_bytes;
  work.num_rounds = 1;
  work.num_directly = pairs.spent().num_directly;
  work.products_s = pairs.spent().products_s;
  work.direct_s = pairs.spent().direct_s;
  return distances;
}

class LocalGatherer final : public Gatherer {
 public:
  explicit LocalGatherer(const Options& options) : options_(options) {}

  Distances distances(const Request& request, std::span<const Row> rows) override {
    check_request(request, rows);
    std::vector<int> owners(static_cast<std::size_t>(request.num_models), kNobody);
    for (const Row& row : rows) {
      own(owners, row.model, 0);
    }
    check_owners(owners);
    return request.element == Element::float32 ? measure<float>(request, options_, rows)
                                               : measure<double>(request, options_, rows);
  }

 private:
  Options options_;
};

}  // namespace

std::unique_ptr<Gatherer> make_local_gatherer(const Options& options) {
  return std::make_unique<LocalGatherer>(options);
}

}  // namespace unroll::gather
