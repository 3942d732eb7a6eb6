// What every gatherer promises, on as many ranks as the test is run with. Every rank makes all rows and hands over its
// own; the spread says which those are.
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <numeric>
#include <string>

#include "gather/rows.hpp"
#include "support/catch.hpp"
#include "unroll/base/block_sum.hpp"
#include "unroll/base/error.hpp"
#include "unroll/mpi/mpi.hpp"

using namespace unroll;
using namespace unroll::gather;
using namespace unroll::gather::test;

namespace {

/// The in-process gatherer, on each rank for itself.
struct Local {
  [[nodiscard]] static int rank() { return 0; }
  [[nodiscard]] static int size() { return 1; }
  static std::unique_ptr<Gatherer> make(const Options& options) { return make_local_gatherer(options); }
};

struct Mpi {
  static const mpi::Communicator& world() {
    static const mpi::Communicator communicator = mpi::Communicator::world();
    return communicator;
  }
  [[nodiscard]] static int rank() { return world().rank(); }
  [[nodiscard]] static int size() { return world().size(); }
  static std::unique_ptr<Gatherer> make(const Options& options) { return make_mpi_gatherer(world(), options); }
};

using Spread = int (*)(std::int64_t model, int num_ranks);
int in_turn(std::int64_t model, int num_ranks) { return static_cast<int>(model % num_ranks); }
int all_on_last(std::int64_t, int num_ranks) { return num_ranks - 1; }
int all_but_one_on_first(std::int64_t model, int num_ranks) { return model == 1 ? num_ranks - 1 : 0; }
int backwards(std::int64_t model, int num_ranks) { return num_ranks - 1 - static_cast<int>(model * 2 / 3 % num_ranks); }
constexpr Spread kSpreads[] = {in_turn, all_on_last, all_but_one_on_first, backwards};

template <typename World, typename Real>
Distances gathered(const Rows<Real>& rows, const Request& request, Spread spread = in_turn,
                   const Options& options = {}) {
  std::vector<Row> own;
  for (const Row& row : all_rows(rows)) {
    if (spread(row.model, World::size()) == World::rank()) {
      own.push_back(row);
    }
  }
  return World::make(options)->distances(request, own);
}

template <typename Real>
Distances local(const Rows<Real>& rows, const Request& request) {
  return make_local_gatherer({})->distances(request, all_rows(rows));
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) {
           return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
         });
}

bool same_bits(const PairSums& a, const PairSums& b) {
  return same_bits(a.squared, b.squared) && same_bits(a.bound, b.bound);
}

bool same_bits(const Distances& a, const Distances& b) {
  bool same = same_bits(a.all, b.all) && same_bits(a.direct, b.direct) && a.all_layers.size() == b.all_layers.size() &&
              a.direct_layers.size() == b.direct_layers.size();
  for (std::size_t i = 0; same && i < a.all_layers.size(); ++i) {
    same = same_bits(a.all_layers[i], b.all_layers[i]) && same_bits(a.direct_layers[i], b.direct_layers[i]);
  }
  return same;
}

std::vector<Pair> some_pairs(std::int64_t num_models) {
  std::vector<Pair> pairs;
  for (std::int64_t m = 0; m < num_models; ++m) {
    pairs.push_back({m, (m * 3 + 1) % num_models});
  }
  return pairs;
}

const std::vector<std::int64_t> kSizes = {600, 0, 150'001, 64, 65'536, 10'007};

/// Relative error of squared distances, and whether the bound holds.
struct Check {
  double worst = 0;
  double worst_bound = 0;
  bool within_bound = true;

  void add(double squared, double bound, long double truth) {
    const auto error = static_cast<double>(std::abs(squared - truth));
    within_bound = within_bound && error <= bound;
    if (truth > 0) {
      worst = std::max(worst, error / static_cast<double>(truth));
      worst_bound = std::max(worst_bound, bound / static_cast<double>(truth));
    }
  }
};

template <typename Real>
Check check_all(const Rows<Real>& rows, const PairSums& sums) {
  Check check;
  std::size_t pair = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j, ++pair) {
      check.add(sums.squared.at(pair), sums.bound.at(pair), exact(rows[i], rows[j]));
    }
  }
  return check;
}

template <typename Real>
Check check_direct(const Rows<Real>& rows, const Request& request, const PairSums& sums) {
  Check check;
  for (std::size_t pair = 0; pair < request.direct.size(); ++pair) {
    const Pair& asked = request.direct[pair];
    check.add(sums.squared.at(pair), sums.bound.at(pair),
              exact(rows[static_cast<std::size_t>(asked.first)], rows[static_cast<std::size_t>(asked.second)]));
  }
  return check;
}

template <typename World, typename Real>
void check_accuracy(double apart) {
  const auto rows = make_rows<Real>(7, num_parameters(kSizes), apart);
  Request request = request_of(rows, kSizes);
  request.direct = some_pairs(7);

  const Distances distances = gathered<World>(rows, request);

  if (World::rank() == 0) {
    const Check all = check_all(rows, distances.all), direct = check_direct(rows, request, distances.direct);
    CHECK(all.within_bound);
    CHECK(all.worst_bound <= 1.001e-6);
    CHECK(direct.within_bound);
    CHECK(direct.worst <= 1e-12);
    CHECK(direct.worst_bound <= 1e-12);
  } else {
    CHECK(distances.all.squared.empty());
  }
}

}  // namespace

TEMPLATE_TEST_CASE("distances lie within their bounds, all pairs' within 1e-6 and direct ones within 1e-12", "", Local,
                   Mpi) {
  for (const double apart : {70.0, 1.0, 1e-2, 1e-4}) {
    INFO("apart " << apart);
    check_accuracy<TestType, float>(apart);
    check_accuracy<TestType, double>(apart);
  }
}

TEMPLATE_TEST_CASE("near neighbours are measured directly, and only they", "", Local, Mpi) {
  auto rows = make_rows<float>(6, num_parameters(kSizes), 1.0);
  const auto near = make_rows<float>(6, num_parameters(kSizes), 1e-4);
  rows[3] = near[3];
  rows[5] = near[5];
  Request request = request_of(rows, kSizes);
  request.direct = {{3, 5}};

  const Distances distances = gathered<TestType>(rows, request);

  if (TestType::rank() == 0) {
    const auto pair = static_cast<std::size_t>(pair_index(6, 3, 5));
    CHECK(std::sqrt(distances.all.squared[pair]) == Approx(1e-4).epsilon(0.05));
    CHECK(distances.all.squared[pair] == distances.direct.squared[0]);
    CHECK(check_all(rows, distances.all).worst_bound <= 1e-6);
    if (TestType::size() == 1) {
      CHECK(distances.work.num_directly == 7);  // that pair's blocks: 1 + 3 + 1 + 1 + 1
    }
  }
}

TEMPLATE_TEST_CASE("equal rows are exactly 0 apart, however they are measured", "", Local, Mpi) {
  auto rows = make_rows<double>(6, num_parameters(kSizes), 1.0);
  rows[4] = rows[1];
  rows[5] = rows[0];
  Request request = request_of(rows, kSizes);
  request.direct = {{1, 4}, {2, 2}};
  request.layers = true;

  const Distances distances = gathered<TestType>(rows, request);

  if (TestType::rank() == 0) {
    CHECK(distances.all.squared[static_cast<std::size_t>(pair_index(6, 1, 4))] == 0.0);
    CHECK(distances.all.squared[static_cast<std::size_t>(pair_index(6, 0, 5))] == 0.0);
    CHECK(distances.all.squared[static_cast<std::size_t>(pair_index(6, 0, 1))] > 0.0);
    CHECK(distances.direct.squared == std::vector<double>{0.0, 0.0});
    CHECK(distances.all_layers[2].squared[static_cast<std::size_t>(pair_index(6, 1, 4))] == 0.0);
  }
}

TEMPLATE_TEST_CASE("every spread of the rows over the ranks gives the bits of one process", "", Local, Mpi) {
  for (const std::int64_t num_models : {2, 5, 13}) {
    const auto rows = make_rows<float>(num_models, num_parameters(kSizes), 1e-3);
    Request request = request_of(rows, kSizes);
    request.direct = some_pairs(num_models);
    request.layers = true;
    const Distances expected = local(rows, request);
    for (const Spread spread : kSpreads) {
      const Distances distances = gathered<TestType>(rows, request, spread);

      CHECK((TestType::rank() != 0 || same_bits(distances, expected)));
    }
  }
}

TEMPLATE_TEST_CASE("a layer's distance is that of its parameters alone, and the layers add up", "", Local, Mpi) {
  const auto rows = make_rows<double>(4, num_parameters(kSizes), 1.0);
  Request request = request_of(rows, kSizes);
  request.layers = true;
  request.direct = {{0, 3}};

  const Distances distances = gathered<TestType>(rows, request);

  if (TestType::rank() == 0) {
    REQUIRE(distances.all_layers.size() == kSizes.size());
    std::size_t offset = 0;
    double sum = 0;
    for (std::size_t t = 0; t < kSizes.size(); ++t) {
      const auto size = static_cast<std::size_t>(kSizes[t]);
      const auto part = [&](std::size_t m) { return std::span<const double>(rows[m]).subspan(offset, size); };
      Check check;
      check.add(distances.all_layers[t].squared[2], distances.all_layers[t].bound[2], exact(part(0), part(3)));
      check.add(distances.direct_layers[t].squared[0], distances.direct_layers[t].bound[0], exact(part(0), part(3)));
      CHECK(check.within_bound);
      CHECK(check.worst <= 1e-6);
      offset += size;
      sum += distances.direct_layers[t].squared[0];
    }
    CHECK(sum == distances.direct.squared[0]);
  }
}

TEMPLATE_TEST_CASE("pieces of 1,000 elements give the same bits", "", Local, Mpi) {
  const auto rows = make_rows<float>(5, num_parameters(kSizes), 1.0);
  const Request request = request_of(rows, kSizes);
  Options options;
  options.piece_elements = 1'000;

  const Distances distances = gathered<TestType>(rows, request, in_turn, options);

  CHECK((TestType::rank() != 0 || same_bits(distances, local(rows, request))));
}

TEMPLATE_TEST_CASE("each weight crosses once, to the rank that measures it, and no other", "", Local, Mpi) {
  const auto rows = make_rows<double>(7, num_parameters(kSizes), 1.0);
  const Request request = request_of(rows, kSizes);

  const Work work = gathered<TestType>(rows, request, in_turn).work;

  if (TestType::size() == 1) {
    CHECK(work.sent_weights_bytes == 0);
  } else {
    std::int64_t sent = 0, received = 0;
    for (const std::string& text : Mpi::world().all_gather(std::to_string(work.sent_weights_bytes))) {
      sent += std::stoll(text);
    }
    for (const std::string& text : Mpi::world().all_gather(std::to_string(work.received_weights_bytes))) {
      received += std::stoll(text);
    }
    CHECK(sent == received);
    const std::int64_t all = 7 * num_parameters(kSizes) * 8;
    CHECK(sent < all);
    CHECK(sent > all * (TestType::size() - 1) / TestType::size() * 8 / 10);
  }
}

TEMPLATE_TEST_CASE("few parameters, few models and ranks with nothing to do are legal", "", Local, Mpi) {
  for (const std::vector<std::int64_t>& sizes : {std::vector<std::int64_t>{2}, {1, 1, 1}, {0}, {}}) {
    for (const std::int64_t num_models : {0, 1, 2, 3}) {
      const auto rows = make_rows<float>(num_models, num_parameters(sizes), 1.0);
      Request request = request_of(rows, sizes);
      request.layers = true;
      request.everywhere = true;

      const Distances distances = gathered<TestType>(rows, request);

      CHECK(distances.all.squared.size() == static_cast<std::size_t>(num_pairs(num_models)));
      CHECK(same_bits(distances, local(rows, request)));
    }
  }
}

TEMPLATE_TEST_CASE("a row that is not finite spoils its own pairs alone, the first row too", "", Local, Mpi) {
  for (const std::size_t spoiled : {std::size_t{0}, std::size_t{2}}) {
    auto rows = make_rows<float>(4, num_parameters(kSizes), 1.0);
    rows[spoiled][1000] = std::numeric_limits<float>::quiet_NaN();
    rows[spoiled][90'000] = std::numeric_limits<float>::infinity();
    Request request = request_of(rows, kSizes);
    request.everywhere = true;

    const Distances distances = gathered<TestType>(rows, request);

    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i + 1; j < 4; ++j) {
        const double squared = distances.all.squared[static_cast<std::size_t>(
            pair_index(4, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)))];
        CHECK(std::isfinite(squared) == (i != spoiled && j != spoiled));
      }
    }
  }
}

TEMPLATE_TEST_CASE("memory is kept to by taking columns in rounds, with the same bits", "", Local, Mpi) {
  const std::vector<std::int64_t> sizes = {1'500'000, 10, 500'000};
  const auto rows = make_rows<float>(24, num_parameters(sizes), 1.0);
  const Request request = request_of(rows, sizes);
  Options options;
  options.memory_bytes = 20 << 20;  // the slices of two ranks are 96 MB

  const Distances distances = gathered<TestType>(rows, request, in_turn, options);

  CHECK(distances.work.memory_bytes <= options.memory_bytes);
  CHECK((TestType::size() == 1 || TestType::size() > 4 || distances.work.num_rounds > 1));
  CHECK((TestType::rank() != 0 || same_bits(distances, local(rows, request))));
}

TEMPLATE_TEST_CASE("what cannot be done is refused on every rank", "", Local, Mpi) {
  const auto rows = make_rows<float>(3, 100, 1.0);
  Request request = request_of(rows, {100});
  Options options;
  options.memory_bytes = 1000;

  CHECK_THROWS_WITH(gathered<TestType>(rows, request, in_turn, options), Catch::Contains("bytes a rank"));
  CHECK_THROWS_WITH(gathered<TestType>(rows, request, [](std::int64_t model, int) { return model == 1 ? -1 : 0; }),
                    Catch::Contains("model 1 is a row of no rank"));
  std::vector<Row> twice = all_rows(rows);
  twice.push_back(twice[1]);
  CHECK_THROWS_WITH(TestType::make({})->distances(request, TestType::rank() == 0 ? twice : std::vector<Row>{}),
                    Catch::Contains("model 1 is a row of rank 0 and one of rank 0"));
  request.tensor_sizes = {99};
  CHECK_THROWS_WITH(TestType::make({})->distances(request, all_rows(rows)), Catch::Contains("wanted: 99 float32"));
  request.direct = {{0, 3}};
  CHECK_THROWS_WITH(TestType::make({})->distances(request, {}), Catch::Contains("names model 3 of 3"));
}

TEST_CASE("ranks that ask for different things find out") {
  const auto rows = make_rows<float>(3, 100, 1.0);
  Request request = request_of(rows, {100});
  request.layers = Mpi::rank() == 1;

  if (Mpi::size() > 1) {
    CHECK_THROWS_WITH(gathered<Mpi>(rows, request), Catch::Contains("rank 1 asks for other distances than rank 0"));
  }
}
