#include "gather/agreement.hpp"

#include <array>
#include <string>

#include "gather/requests.hpp"
#include "unroll/base/error.hpp"

namespace unroll::gather {
namespace {

using Greeting = std::array<std::uint64_t, 2>;  // digest of the request, number of rows

template <typename Values>
std::span<const std::byte> bytes_of(const Values& values) {
  return std::as_bytes(std::span(values));
}
template <typename Values>
std::span<std::byte> room_of(Values& values) {
  return std::as_writable_bytes(std::span(values));
}

/// Everybody's value, by rank; those of unequal length are of the right length already.
template <typename Value>
void exchange_with_all(mpi::Exchange& exchange, int rank, std::vector<Value>& values) {
  for (int other = 0; other < static_cast<int>(values.size()); ++other) {
    if (other != rank) {
      exchange.send(other, bytes_of(values[static_cast<std::size_t>(rank)]));
      exchange.receive(other, room_of(values[static_cast<std::size_t>(other)]));
    }
  }
  exchange.wait();
}

void send(mpi::Exchange& exchange, int to, const PairSums& sums) {
  exchange.send(to, bytes_of(sums.squared));
  exchange.send(to, bytes_of(sums.bound));
}
void receive(mpi::Exchange& exchange, int from, PairSums& sums) {
  exchange.receive(from, room_of(sums.squared));
  exchange.receive(from, room_of(sums.bound));
}

std::vector<PairSums*> parts_of(Distances& distances) {
  std::vector<PairSums*> parts = {&distances.all, &distances.direct};
  for (std::vector<PairSums>* layers : {&distances.all_layers, &distances.direct_layers}) {
    for (PairSums& layer : *layers) {
      parts.push_back(&layer);
    }
  }
  return parts;
}

}  // namespace

std::vector<int> agree_on_owners(mpi::Exchange& exchange, const mpi::Communicator& communicator, const Request& request,
                                 const Options& options, std::span<const Row> rows) {
  const int rank = communicator.rank();
  const auto here = static_cast<std::size_t>(rank);
  std::vector<Greeting> greetings(static_cast<std::size_t>(communicator.size()));
  greetings[here] = {digest_of(request, options), rows.size()};
  exchange_with_all(exchange, rank, greetings);
  std::vector<std::vector<std::int64_t>> models;
  for (std::size_t r = 0; r < greetings.size(); ++r) {
    if (greetings[r][0] != greetings[0][0]) {
      throw Error("rank " + std::to_string(r) +
                  " asks for other distances than rank 0: models, tensors, pairs or options differ");
    }
    models.emplace_back(greetings[r][1]);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    models[here][i] = rows[i].model;
  }
  exchange_with_all(exchange, rank, models);
  std::vector<int> owners(static_cast<std::size_t>(request.num_models), kNobody);
  for (std::size_t r = 0; r < models.size(); ++r) {
    for (const std::int64_t model : models[r]) {
      own(owners, model, static_cast<int>(r));
    }
  }
  check_owners(owners);
  return owners;
}

std::string first_failure(mpi::Exchange& exchange, const mpi::Communicator& communicator, const std::string& failure) {
  const auto here = static_cast<std::size_t>(communicator.rank());
  std::vector<std::array<std::uint64_t, 1>> sizes(static_cast<std::size_t>(communicator.size()));
  sizes[here] = {failure.size()};
  exchange_with_all(exchange, communicator.rank(), sizes);
  std::vector<std::string> failures;
  for (const auto& size : sizes) {
    failures.emplace_back(size[0], ' ');
  }
  failures[here] = failure;
  exchange_with_all(exchange, communicator.rank(), failures);
  for (std::size_t rank = 0; rank < failures.size(); ++rank) {
    if (!failures[rank].empty()) {
      return "rank " + std::to_string(rank) + ": " + failures[rank];
    }
  }
  return "";
}

void gather_sums(mpi::Exchange& exchange, const mpi::Communicator& communicator, const Request& request,
                 const std::vector<Block>& blocks, const std::vector<BlockRange>& slices,
                 const std::vector<KeptSegment>& own, Totals& totals) {
  if (communicator.rank() != 0) {
    for (const KeptSegment& segment : own) {
      send(exchange, 0, segment.sums.all);
      send(exchange, 0, segment.sums.direct);
    }
    exchange.wait();
    return;
  }
  Sums arriving(request);
  for (int from = 1; from < communicator.size(); ++from) {
    for (const Segment& segment : segments_of(blocks, slices[static_cast<std::size_t>(from)])) {
      receive(exchange, from, arriving.all);
      receive(exchange, from, arriving.direct);
      exchange.wait();
      totals.add(segment.tensor, arriving);
    }
  }
}

void share(mpi::Exchange& exchange, const mpi::Communicator& communicator, const Request& request,
           Distances& distances) {
  if (communicator.rank() == 0) {
    for (const PairSums* part : parts_of(distances)) {
      for (int to = 1; to < communicator.size(); ++to) {
        send(exchange, to, *part);
      }
    }
  } else {
    const Work work = distances.work;
    distances = Totals(request).finish(0);  // of the right shape
    distances.work = work;
    for (PairSums* part : parts_of(distances)) {
      receive(exchange, 0, *part);
    }
  }
  exchange.wait();
}

}  // namespace unroll::gather
