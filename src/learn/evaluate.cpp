#include "unroll/learn/evaluate.hpp"

#include <algorithm>
#include <vector>

namespace unroll::learn {
namespace {
constexpr std::size_t kChunk = 256;
constexpr double kBatchNormMomentum = 0.1;

template <typename Real>
void evaluate_in_place(const kernel::MlpShape& shape, const model::State& state, const data::ResidentData& data,
                       data::Part part, std::span<const std::int64_t> rows, torch::Tensor& logits) {
  kernel::Mlp<Real> mlp(shape);
  const auto weights = state.weights.contiguous();
  std::vector<const Real*> inputs;
  std::vector<Real> gathered;
  auto* out = logits.data_ptr<Real>();
  for (std::size_t start = 0; start < rows.size(); start += kChunk) {
    const auto chunk = rows.subspan(start, std::min(kChunk, rows.size() - start));
    data.locate(part, chunk, inputs, gathered);
    const auto count = static_cast<std::int64_t>(chunk.size());
    mlp.logits(weights.data_ptr<Real>(), inputs.data(), count, out);
    out += count * shape.widths.back();
  }
}

struct Rows {
  data::Part part;
  std::span<const std::int64_t> rows;
};

torch::Tensor evaluate_in_chunks(const model::Network& network, const model::State& state,
                                 const data::ResidentData& data, const Rows& of, std::size_t chunk_size,
                                 model::Statistics statistics) {
  auto logits =
      torch::empty({static_cast<std::int64_t>(of.rows.size()), network.num_classes()}, state.weights.options());
  const auto parameters = network.views(state.weights);
  for (std::size_t start = 0; start < of.rows.size(); start += chunk_size) {
    const auto chunk = of.rows.subspan(start, std::min(chunk_size, of.rows.size() - start));
    logits.narrow(0, static_cast<std::int64_t>(start), static_cast<std::int64_t>(chunk.size()))
        .copy_(network.logits(parameters, state.buffers, data.inputs(of.part, chunk), statistics));
  }
  return logits;
}

}  // namespace

torch::Tensor evaluate(const model::Network& network, const model::State& anywhere, const data::ResidentData& data,
                       data::Part part, std::span<const std::int64_t> rows) {
  const torch::NoGradGuard no_grad;
  const auto state = anywhere.on(data.device());
  if (const auto shape = network.loop_shape(data.device())) {
    auto logits =
        torch::empty({static_cast<std::int64_t>(rows.size()), network.num_classes()}, state.weights.options());
    state.weights.scalar_type() == torch::kFloat64 ? evaluate_in_place<double>(*shape, state, data, part, rows, logits)
                                                   : evaluate_in_place<float>(*shape, state, data, part, rows, logits);
    return logits;
  }
  return evaluate_in_chunks(network, state, data, {part, rows}, kChunk, model::Statistics::running);
}

torch::Tensor evaluate_by_batch(const model::Network& network, const model::State& anywhere,
                                const data::ResidentData& data, data::Part part, std::span<const std::int64_t> rows,
                                std::size_t batch) {
  const torch::NoGradGuard no_grad;
  return evaluate_in_chunks(network, anywhere.on(data.device()), data, {part, rows}, batch, model::Statistics::batch);
}

torch::Tensor reestimated_buffers(const model::Network& network, const model::State& anywhere,
                                  const data::ResidentData& data, std::span<const std::int64_t> rows) {
  const torch::NoGradGuard no_grad;
  const auto state = anywhere.on(data.device());
  const auto parameters = network.views(state.weights);
  auto sum = torch::zeros_like(state.buffers, torch::kFloat64);
  double num_chunks = 0;
  for (std::size_t start = 0; start < rows.size(); start += kChunk) {
    const auto chunk = rows.subspan(start, std::min(kChunk, rows.size() - start));
    if (start > 0 && chunk.size() < kChunk / 2) {
      break;
    }
    // One update from zeros leaves momentum * statistic: the batch's own mean and unbiased variance.
    const auto buffers = torch::zeros_like(state.buffers);
    (void)network.logits(parameters, buffers, data.inputs(data::Part::train, chunk), model::Statistics::update);
    sum += buffers.to(torch::kFloat64) / kBatchNormMomentum;
    num_chunks += 1;
  }
  return (sum / num_chunks).to(state.buffers.scalar_type());
}

}  // namespace unroll::learn
