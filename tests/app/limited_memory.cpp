// Preloaded into unroll-worker: allocations of tensors of at least UNROLL_TEST_MAX_TENSOR_BYTES fail, as they do where
// memory is short; those of at least UNROLL_TEST_ABORT_TENSOR_BYTES end the process, as faulty hardware and drivers do.
// LibTorch's CPU allocator takes tensors by posix_memalign.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>

namespace {

bool reaches(const char* variable, std::size_t size) {
  const char* limit = std::getenv(variable);
  return limit != nullptr && size >= std::strtoull(limit, nullptr, 10);
}

}  // namespace

extern "C" int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  using Function = int (*)(void**, std::size_t, std::size_t);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "posix_memalign"));
  if (reaches("UNROLL_TEST_ABORT_TENSOR_BYTES", size)) {
    kill(getpid(), SIGKILL);
  }
  return reaches("UNROLL_TEST_MAX_TENSOR_BYTES", size) ? ENOMEM : real(memory, alignment, size);
}
