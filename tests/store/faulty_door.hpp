#pragma once
// A door whose system calls fail on request.
#include <algorithm>
#include <cerrno>
#include <optional>

#include "unroll/store/file_door.hpp"

namespace unroll::store {

enum class Call { open, write, fsync, close, rename, mkdir };

class FaultyDoor : public FileDoor {
 public:
  /// From now on every call of this kind fails.
  void fail(Call call, int code) {
    failing_ = call;
    code_ = code;
    calls_before_ = 0;
  }
  /// The mkdir after `before - 1` good ones and all later ones fail.
  void fail_mkdir_number(int number, int code) {
    fail(Call::mkdir, code);
    calls_before_ = number - 1;
  }
  void heal() { failing_.reset(); }
  std::size_t write_at_most = SIZE_MAX;

 protected:
  int system_open(const char* path, int flags, mode_t mode) override {
    return fails(Call::open) ? -1 : FileDoor::system_open(path, flags, mode);
  }
  ssize_t system_write(int descriptor, const void* bytes, std::size_t size) override {
    if (fails(Call::write)) {
      return -1;
    }
    if (write_at_most != SIZE_MAX && (interrupt_ = !interrupt_)) {
      errno = EINTR;
      return -1;
    }
    return FileDoor::system_write(descriptor, bytes, std::min(size, write_at_most));
  }
  int system_fsync(int descriptor) override { return fails(Call::fsync) ? -1 : FileDoor::system_fsync(descriptor); }
  int system_close(int descriptor) override {
    const int result = FileDoor::system_close(descriptor);
    return fails(Call::close) ? -1 : result;
  }
  int system_rename(const char* from, const char* to) override {
    return fails(Call::rename) ? -1 : FileDoor::system_rename(from, to);
  }
  int system_mkdir(const char* path, mode_t mode) override {
    return fails(Call::mkdir) ? -1 : FileDoor::system_mkdir(path, mode);
  }

 private:
  bool fails(Call call) {
    if (failing_ != call || calls_before_-- > 0) {
      return false;
    }
    calls_before_ = 0;
    errno = code_;
    return true;
  }

  std::optional<Call> failing_;
  int code_ = 0;
  int calls_before_ = 0;
  bool interrupt_ = false;
};

}  // namespace unroll::store
