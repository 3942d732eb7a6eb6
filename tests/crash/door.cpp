#include "door.hpp"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace unroll::faults {
namespace {

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void write_all(int descriptor, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t count = REAL(write)(descriptor, bytes, size);
    if (count <= 0) {
      _exit(kExitCode + 2);  // a recording with a hole proves nothing
    }
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace

void Door::opened(int descriptor, const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (descriptor >= 0 && descriptor < kMaxDescriptors) {
    paths_[static_cast<std::size_t>(descriptor)] = path;
  }
}

std::string Door::path_of(int descriptor) {
  const std::lock_guard lock(mutex_);
  return descriptor >= 0 && descriptor < kMaxDescriptors ? paths_[static_cast<std::size_t>(descriptor)] : "";
}

bool Door::is_hit(const Operation& operation) {
  if (!counts(request_, operation)) {
    return false;
  }
  ++num_operations_;
  return request_.at > 0 && num_operations_ >= request_.at && num_operations_ - request_.at < request_.count;
}

std::int64_t Door::run(const Operation& operation, const std::function<std::int64_t()>& action,
                       const std::function<void()>& half) {
  const std::lock_guard lock(operations_);
  const bool is_sync = operation.name == "fsync" || operation.name == "fdatasync";
  if (request_.kind == Kind::nosync && is_sync) {
    return 0;
  }
  const std::int64_t start_ns = now_ns();
  std::int64_t result = -1;
  if (is_hit(operation) && request_.kind != Kind::none) {
    mark(operation);
    if (request_.kind == Kind::half) {
      half();
    }
    if (request_.kind == Kind::exit || request_.kind == Kind::half) {
      _exit(kExitCode);
    }
    errno = request_.error_code;
  } else {
    result = action();
  }
  const int code = errno;
  record(operation, start_ns, result >= 0 ? result : -code);
  errno = code;
  return result;
}

void Door::mark(const Operation& operation) {
  if (request_.mark.empty() || is_marked_) {
    return;
  }
  is_marked_ = true;
  const int descriptor = REAL(open)(request_.mark.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  const std::string line = "rank " + std::to_string(request_.rank) + " operation " + std::to_string(num_operations_) +
                           " " + std::string(operation.name) + " " + operation.path + "\n";
  write_all(descriptor, line.data(), line.size());
  REAL(close)(descriptor);
}

void Door::record(const Operation& operation, std::int64_t start_ns, std::int64_t result) {
  if (request_.record.empty()) {
    return;
  }
  if (recording_ < 0) {
    const std::string path =
        request_.record + "/" + std::to_string(request_.rank) + "-" + std::to_string(getpid()) + ".log";
    recording_ = REAL(open)(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  }
  const bool has_bytes = operation.bytes != nullptr && result > 0;
  const std::size_t size = has_bytes ? static_cast<std::size_t>(result) : 0;
  std::string line = std::to_string(start_ns) + ' ' + std::to_string(now_ns()) + ' ' + std::string(operation.name) +
                     ' ' + std::to_string(operation.descriptor) + ' ' + std::to_string(operation.flags) + ' ' +
                     std::to_string(result) + ' ' + std::to_string(size) + ' ' + operation.path;
  line += operation.second_path.empty() ? "\n" : '\t' + operation.second_path + '\n';
  write_all(recording_, line.data(), line.size());
  if (has_bytes) {
    write_all(recording_, static_cast<const char*>(operation.bytes), size);
  }
}

}  // namespace unroll::faults
