#include "gather/tensor_pairs.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "gather/error_bounds.hpp"
#include "unroll/base/block_sum.hpp"

namespace unroll::gather {
namespace {

// Products are summed over parts of so many columns, squares over shorter ones, in an order that is LibTorch's; the
// parts' sums likewise. Pairs are measured directly so many at a time.
constexpr std::int64_t kProductPart = 2048, kSquarePart = 256, kDirectBatch = 64;
constexpr double kProductBound = product_bound(kProductPart + kBlockSize / kProductPart);
constexpr double kDirectBound = direct_bound(kSquarePart + kBlockSize / kSquarePart);

/// [rows, columns] as [rows, parts, part], zeros behind the end.
torch::Tensor in_parts(const torch::Tensor& values, std::int64_t part) {
  const std::int64_t missing = (part - values.size(1) % part) % part;
  return at::constant_pad_nd(values, {0, missing}).view({values.size(0), -1, part});
}

struct Indices {
  std::vector<std::int64_t> first, second;
};

torch::Tensor picked(const torch::Tensor& values, const std::vector<std::int64_t>& rows, std::size_t begin) {
  std::vector<std::int64_t> batch(static_cast<std::size_t>(kDirectBatch), rows[begin]);
  const std::size_t count = std::min(batch.size(), rows.size() - begin);
  std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(begin), count, batch.begin());
  return values.index_select(0, torch::tensor(batch, torch::kInt64).to(values.device()));
}

/// ||values[first] - values[second]||^2 of every pair.
std::vector<double> directly(const torch::Tensor& values, const Indices& pairs) {
  std::vector<double> result;
  for (std::size_t begin = 0; begin < pairs.first.size(); begin += static_cast<std::size_t>(kDirectBatch)) {
    torch::Tensor apart = picked(values, pairs.first, begin) - picked(values, pairs.second, begin);
    apart.mul_(apart.clone());
    const torch::Tensor sums = in_parts(apart, kSquarePart).sum(2).sum(1).cpu();
    const std::size_t count = std::min(static_cast<std::size_t>(kDirectBatch), pairs.first.size() - begin);
    result.insert(result.end(), sums.data_ptr<double>(), sums.data_ptr<double>() + count);
  }
  return result;
}

double lost(const Request& request, std::int64_t size) {
  return request.element == Element::float64 ? kSmallest * static_cast<double>(size) : 0.0;
}

}  // namespace

TensorPairs::TensorPairs(const Request& request) : request_(request) {}

std::int64_t TensorPairs::memory_bytes(const Request& request) {
  const std::int64_t models = request.num_models, of_double = static_cast<std::int64_t>(sizeof(double));
  const std::int64_t blocks = 4 * models * kBlockSize;  // in double, centred, padded, their copy for the products
  const std::int64_t products = (kBlockSize / kProductPart + 5) * models * models;
  return (blocks + products + 4 * kDirectBatch * kBlockSize) * of_double;
}

void TensorPairs::add(const torch::Tensor& rows, Sums& sums) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor values = rows.to(torch::kFloat64);
  if (request_.all_pairs && request_.num_models > 1) {
    add_all(values, sums.all);
  }
  add_direct(values, sums.direct);
}

void TensorPairs::add_all(const torch::Tensor& values, PairSums& all) {
  const std::int64_t models = request_.num_models, size = values.size(1);
  const torch::Tensor reference = torch::where(torch::isfinite(values[0]), values[0], torch::zeros_like(values[0]));
  const torch::Tensor parts = in_parts(values - reference, kProductPart).transpose(0, 1).contiguous();
  const torch::Tensor products = torch::bmm(parts, parts.transpose(1, 2)).sum(0);
  const torch::Tensor square = products.diagonal();
  const torch::Tensor both = (square.unsqueeze(1) + square.unsqueeze(0)).contiguous();
  const torch::Tensor both_here = both.cpu(), apart_here = (both - 2 * products).cpu().contiguous();
  const double *both_at = both_here.data_ptr<double>(), *apart_at = apart_here.data_ptr<double>();

  Indices near;
  std::vector<std::size_t> place;
  for (std::int64_t i = 0; i < models; ++i) {
    for (std::int64_t j = i + 1; j < models; ++j) {
      const auto pair = static_cast<std::size_t>(pair_index(models, i, j));
      const double squared = apart_at[i * models + j];
      const double bound = kProductBound * both_at[i * models + j] + kSmallest * static_cast<double>(size);
      if (bound <= request_.tolerance * squared) {
        all.squared[pair] += squared;
        all.bound[pair] += bound;
      } else {
        near.first.push_back(i);
        near.second.push_back(j);
        place.push_back(pair);
      }
    }
  }
  const std::vector<double> squared = directly(values, near);
  for (std::size_t i = 0; i < place.size(); ++i) {
    all.squared[place[i]] += squared[i];
    all.bound[place[i]] += kDirectBound * squared[i] + lost(request_, size);
  }
  num_directly_ += static_cast<std::int64_t>(place.size());
}

void TensorPairs::add_direct(const torch::Tensor& values, PairSums& direct) {
  Indices pairs;
  for (const Pair& pair : request_.direct) {
    pairs.first.push_back(pair.first);
    pairs.second.push_back(pair.second);
  }
  const std::vector<double> squared = directly(values, pairs);
  for (std::size_t i = 0; i < squared.size(); ++i) {
    direct.squared[i] += squared[i];
    direct.bound[i] += kDirectBound * squared[i] + lost(request_, values.size(1));
  }
}

}  // namespace unroll::gather
