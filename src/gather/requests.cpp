#include "gather/requests.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>

#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::gather {
namespace {

void check_model(const Request& request, std::int64_t model, const char* what) {
  if (model < 0 || model >= request.num_models) {
    throw Error(std::string(what) + " names model " + std::to_string(model) + " of " +
                std::to_string(request.num_models));
  }
}

std::size_t size_of(const Weights& weights) {
  return std::visit([](const auto& values) { return values.size(); }, weights);
}

}  // namespace

std::int64_t element_bytes(Element element) { return element == Element::float32 ? 4 : 8; }

std::int64_t piece_bytes(const Request& request, const Options& options) {
  const std::int64_t most = (std::int64_t{1} << 30) / element_bytes(request.element);
  return std::clamp<std::int64_t>(options.piece_elements, 1, most) * element_bytes(request.element);
}

void check_request(const Request& request, std::span<const Row> rows) {
  std::int64_t num_parameters = 0;
  for (const std::int64_t size : request.tensor_sizes) {
    if (size < 0) {
      throw Error("a tensor has " + std::to_string(size) + " parameters");
    }
    num_parameters += size;
  }
  if (request.num_models < 0 || !(request.tolerance > 0)) {
    throw Error("distances of " + std::to_string(request.num_models) + " models to " +
                std::to_string(request.tolerance) + ": wanted 0 or more, and a tolerance above 0");
  }
  for (const Pair& pair : request.direct) {
    check_model(request, pair.first, "a pair");
    check_model(request, pair.second, "a pair");
  }
  for (const Row& row : rows) {
    check_model(request, row.model, "a row");
    const bool narrow = std::holds_alternative<std::span<const float>>(row.weights);
    if (narrow != (request.element == Element::float32) ||
        size_of(row.weights) != static_cast<std::size_t>(num_parameters)) {
      throw Error("the row of model " + std::to_string(row.model) + " has " + std::to_string(size_of(row.weights)) +
                  (narrow ? " float32" : " float64") + " parameters; wanted: " + std::to_string(num_parameters) +
                  (request.element == Element::float32 ? " float32" : " float64"));
    }
  }
}

std::uint64_t digest_of(const Request& request, const Options& options) {
  std::string text;
  const auto add = [&text](auto value) { text += std::to_string(value) + ","; };
  add(request.num_models);
  add(static_cast<int>(request.element));
  add(request.all_pairs);
  add(request.layers);
  add(std::bit_cast<std::uint64_t>(request.tolerance));
  add(request.everywhere);
  add(options.memory_bytes);
  add(options.piece_elements);
  add(request.tensor_sizes.size());
  for (const std::int64_t size : request.tensor_sizes) {
    add(size);
  }
  for (const Pair& pair : request.direct) {
    add(pair.first);
    add(pair.second);
  }
  return std::stoull(sha256(text).substr(0, 16), nullptr, 16);
}

template <typename Real>
std::vector<const Real*> pointers_of(const Request& request, std::span<const Row> rows) {
  std::vector<const Real*> pointers(static_cast<std::size_t>(request.num_models), nullptr);
  for (const Row& row : rows) {
    pointers[static_cast<std::size_t>(row.model)] = std::get<std::span<const Real>>(row.weights).data();
  }
  return pointers;
}

template std::vector<const float*> pointers_of(const Request&, std::span<const Row>);
template std::vector<const double*> pointers_of(const Request&, std::span<const Row>);

}  // namespace unroll::gather
