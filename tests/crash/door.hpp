#pragma once
// The operations of this process, counted, recorded and failed as was asked for. Safe from several threads: an
// operation ends before the next begins, so that "the n-th" has a meaning.
#include <dlfcn.h>

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "faults.hpp"

namespace unroll::faults {

/// libc's own function of this name.
template <typename Function>
Function* real(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
#define REAL(name) real(&::name, #name)

class Door {
 public:
  Door() : request_(read_request()) {}

  [[nodiscard]] bool is_inside(std::string_view path) const { return faults::is_inside(request_, path); }

  /// "": closed, or a file outside.
  void opened(int descriptor, const std::string& path);
  [[nodiscard]] std::string path_of(int descriptor);

  /// Does the operation, or what was asked for in its place. `action` returns -1 and sets errno on an error; `half`
  /// does the first half of a write.
  std::int64_t run(const Operation& operation, const std::function<std::int64_t()>& action,
                   const std::function<void()>& half);

 private:
  static constexpr int kMaxDescriptors = 4096;

  [[nodiscard]] bool is_hit(const Operation& operation);
  void mark(const Operation& operation);
  void record(const Operation& operation, std::int64_t start_ns, std::int64_t result);

  Request request_;
  std::mutex mutex_;
  std::mutex operations_;
  std::array<std::string, kMaxDescriptors> paths_;
  std::int64_t num_operations_ = 0;
  bool is_marked_ = false;
  int recording_ = -1;
};

}  // namespace unroll::faults
