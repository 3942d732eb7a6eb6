#pragma once
// The CUDA runtime, checked: which devices there are, and when the work of a stream is done. Streams are LibTorch's and
// cross as handles (a cudaStream_t as a number; 0 is the default stream). Every call may throw Failure.
#include <cstdint>
#include <string>
#include <vector>

#include "unroll/base/error.hpp"

namespace unroll::cuda {

/// Names the call, and CUDA's own words.
class Failure : public Error {
 public:
  using Error::Error;
};

struct Device {
  int index = 0;
  std::string name;
  std::string uuid;  // "GPU-..." as nvidia-smi writes it: the same device for every process, whatever it sees of others
  std::int64_t memory_bytes = 0;
};

/// Visible to this process; empty without a device or a driver.
[[nodiscard]] std::vector<Device> devices();
/// Of `num_devices` that a rank sees, the one for the node's rank `node_rank`: ranks of a node take them in turn, and a
/// rank that sees one (Slurm's binding, CUDA_VISIBLE_DEVICES) takes that one. num_devices > 0.
[[nodiscard]] int device_of_rank(int node_rank, int num_devices);
/// For this thread.
void use_device(int index);

/// Whether the memory is a device's.
[[nodiscard]] bool on_device(const void* memory);

struct Versions {
  int runtime = 0;  // 13000: 13.0
  int driver = 0;   // the newest that the driver runs; 0 without a driver
};
[[nodiscard]] Versions versions();

/// "ranks 0 and 1 share GPU-..."; empty if no two ranks have the same. One UUID a rank, empty for a rank without
/// device.
[[nodiscard]] std::string shared_device(const std::vector<std::string>& uuid_of_rank);

class Event {
 public:
  Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();
  void record(std::uintptr_t stream);
  /// Whether all work before the record has ended; never blocks. Failure: that work failed.
  [[nodiscard]] bool done() const;

 private:
  void* event_ = nullptr;
};

}  // namespace unroll::cuda
