#pragma once
// Where each parameter and buffer of a network lies in a lane's flat vector, how it is initialised, and how weights
// cross to files. Names are those of a PyTorch state_dict; num_batches_tracked is not kept (nothing reads it).
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "unroll/hdf5/arrays.hpp"

namespace unroll::model {

struct ParameterSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;
  std::int64_t size = 0;
  double bound = 0;  // initialised uniformly in [-bound, bound); 0: with `constant`
  double constant = 0;
};

struct Layout {
  std::vector<ParameterSpec> parameters;
  std::vector<ParameterSpec> buffers;  // BatchNorm running_mean, running_var
  std::int64_t num_parameters = 0;
  std::int64_t num_buffers = 0;

  void add_parameter(std::string name, std::vector<std::int64_t> shape, double bound, double constant = 0);
  void add_buffer(std::string name, std::vector<std::int64_t> shape, double constant);
};

/// One model outside a pack.
struct State {
  torch::Tensor weights;  // [P]
  torch::Tensor buffers;  // [S], S may be 0

  /// The state on a device: itself when it is there.
  [[nodiscard]] State on(torch::Device device) const { return {weights.to(device), buffers.to(device)}; }
};

/// PyTorch's default initialisation (kaiming_uniform with a = sqrt 5: U(+-1/sqrt fan_in), biases likewise; BatchNorm
/// 1 and 0), drawn from RandomStream(seed, "init") by (parameter, element): the same draws for every dtype.
[[nodiscard]] State initial_state(const Layout& layout, std::uint64_t seed, torch::ScalarType dtype);

/// One array a parameter and buffer, with `prefix` before each name.
[[nodiscard]] std::vector<hdf5::Array> to_arrays(const Layout& layout, const torch::Tensor& weights,
                                                 const torch::Tensor& buffers, const std::string& prefix = "");
/// The inverse: every parameter must be there with its shape; float32 and float64 are converted to dtype. Buffers may
/// be missing (then they start as in initial_state, and `has_buffers` is false). UsageError names file, array, shapes.
struct LoadedState {
  State state;
  bool has_buffers = false;
};
/// any: of stages of our own, whose training may have diverged.
enum class Values { finite, any };
[[nodiscard]] LoadedState from_arrays(const Layout& layout, const hdf5::ArrayFile& file, torch::ScalarType dtype,
                                      const std::string& file_name, const std::string& prefix = "",
                                      Values values = Values::finite);

}  // namespace unroll::model
