#include "unroll/cuda/cuda.hpp"

#include <cuda_runtime_api.h>

#include <array>
#include <cstdio>
#include <source_location>

namespace unroll::cuda {
namespace {

void check(cudaError_t code, const char* call, std::source_location where = std::source_location::current()) {
  if (code != cudaSuccess) {
    throw Failure(std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " + call +
                  " failed: " + cudaGetErrorName(code) + ": " + cudaGetErrorString(code));
  }
}

/// There is no device or no driver: forgets that error.
bool is_without_device(cudaError_t code) {
  const bool without = code == cudaErrorNoDevice || code == cudaErrorInsufficientDriver;
  if (without) {
    static_cast<void>(cudaGetLastError());
  }
  return without;
}

std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(static_cast<unsigned char>(uuid.bytes[i])));
    text += hex.data();
    text += i == 3 || i == 5 || i == 7 || i == 9 ? "-" : "";
  }
  return text;
}

}  // namespace

std::vector<Device> devices() {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (is_without_device(code)) {
    return {};
  }
  check(code, "cudaGetDeviceCount");
  std::vector<Device> result;
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
    result.push_back({index, static_cast<const char*>(properties.name), uuid_text(properties.uuid),
                      static_cast<std::int64_t>(properties.totalGlobalMem)});
  }
  return result;
}

int device_of_rank(int node_rank, int num_devices) { return node_rank % num_devices; }

void use_device(int index) { check(cudaSetDevice(index), "cudaSetDevice"); }

bool on_device(const void* memory) {
  cudaPointerAttributes attributes{};
  const cudaError_t code = cudaPointerGetAttributes(&attributes, memory);
  if (is_without_device(code)) {
    return false;
  }
  check(code, "cudaPointerGetAttributes");
  return attributes.type == cudaMemoryTypeDevice;
}

Versions versions() {
  Versions result;
  check(cudaRuntimeGetVersion(&result.runtime), "cudaRuntimeGetVersion");
  check(cudaDriverGetVersion(&result.driver), "cudaDriverGetVersion");
  return result;
}

std::string shared_device(const std::vector<std::string>& uuid_of_rank) {
  for (std::size_t a = 0; a < uuid_of_rank.size(); ++a) {
    for (std::size_t b = a + 1; b < uuid_of_rank.size(); ++b) {
      if (!uuid_of_rank[a].empty() && uuid_of_rank[a] == uuid_of_rank[b]) {
        return "ranks " + std::to_string(a) + " and " + std::to_string(b) + " share " + uuid_of_rank[a];
      }
    }
  }
  return "";
}

Event::Event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  event_ = event;
}

Event::~Event() { cudaEventDestroy(static_cast<cudaEvent_t>(event_)); }

void Event::record(std::uintptr_t stream) {
  check(cudaEventRecord(static_cast<cudaEvent_t>(event_), reinterpret_cast<cudaStream_t>(stream)), "cudaEventRecord");
}

bool Event::done() const {
  const cudaError_t code = cudaEventQuery(static_cast<cudaEvent_t>(event_));
  if (code == cudaErrorNotReady) {
    static_cast<void>(cudaGetLastError());
    return false;
  }
  check(code, "cudaEventQuery");
  return true;
}

}  // namespace unroll::cuda
