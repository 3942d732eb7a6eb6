// The preloaded library (LD_PRELOAD) that makes operations of the file system fail, ends the process at one of them, or
// records them: faults.hpp says how to ask. It stands before libc's open, openat, creat, fopen, write, pwrite, writev,
// fsync, fdatasync, close, rename, renameat, link, mkdir, mkdirat, unlink, unlinkat, rmdir, remove, ftruncate. The
// program under test holds nothing of it.
#include "faults.hpp"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "door.hpp"

namespace unroll::faults {
namespace {

/// Lives until the process ends: libraries close files after main.
Door& door() {
  static Door* const kDoor = new Door;
  return *kDoor;
}

/// As an absolute path without "." and doubled slashes; links are not followed.
std::string absolute(int folder, const char* path) {
  std::string whole = path;
  if (whole.empty() || whole.front() != '/') {
    const std::string known = folder == AT_FDCWD ? "" : door().path_of(folder);
    char here[PATH_MAX];
    whole = (!known.empty() ? known : getcwd(here, sizeof here) != nullptr ? here : "") + "/" + whole;
  }
  std::string plain;
  for (std::size_t begin = 0; begin < whole.size();) {
    const std::size_t end = std::min(whole.find('/', begin), whole.size());
    const std::string part = whole.substr(begin, end - begin);
    if (!part.empty() && part != ".") {
      plain += '/' + part;
    }
    begin = end + 1;
  }
  return plain;
}

template <typename Action>
int change(std::string_view name, const std::string& path, const std::string& second_path, Action action) {
  if (!door().is_inside(path) && !door().is_inside(second_path)) {
    return action();
  }
  Operation operation{name, path, second_path, -1, 0, nullptr, 0};
  return static_cast<int>(door().run(operation, action, [] {}));
}

template <typename Action>
int open_file(int folder, const char* path, int flags, Action action) {
  const std::string whole = absolute(folder, path);
  if (!door().is_inside(whole)) {
    return action();
  }
  constexpr int kChanging = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  int descriptor = -1;
  if ((flags & kChanging) != 0) {
    const Operation operation{"open", whole, "", -1, flags, nullptr, 0};
    descriptor = static_cast<int>(door().run(operation, action, [] {}));
  } else {
    descriptor = action();
  }
  door().opened(descriptor, whole);
  return descriptor;
}

template <typename Action, typename Half>
ssize_t write_file(std::string_view name, int descriptor, std::int64_t offset, const void* bytes, std::size_t size,
                   Action action, Half half) {
  const std::string path = door().path_of(descriptor);
  if (path.empty()) {
    return action();
  }
  return door().run({name, path, "", descriptor, offset, bytes, size}, action, half);
}

template <typename Action>
int on_descriptor(std::string_view name, int descriptor, std::int64_t argument, Action action) {
  const std::string path = door().path_of(descriptor);
  if (path.empty()) {
    return action();
  }
  return static_cast<int>(door().run({name, path, "", descriptor, argument, nullptr, 0}, action, [] {}));
}

FILE* open_stream(const char* path, const char* mode, FILE* (*function)(const char*, const char*)) {
  const bool writes = std::strpbrk(mode, "wa+") != nullptr;
  const int flags = !writes ? O_RDONLY : O_WRONLY | O_CREAT | (mode[0] == 'w' ? O_TRUNC : O_APPEND);
  FILE* file = nullptr;
  open_file(AT_FDCWD, path, flags, [&] {
    file = function(path, mode);
    return file == nullptr ? -1 : fileno(file);
  });
  return file;
}

}  // namespace
}  // namespace unroll::faults

using namespace unroll::faults;

namespace {
mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}
}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(AT_FDCWD, path, flags, [&] { return REAL(open)(path, flags, mode); });
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(AT_FDCWD, path, flags, [&] { return REAL(open64)(path, flags, mode); });
}
int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(folder, path, flags, [&] { return REAL(openat)(folder, path, flags, mode); });
}
int creat(const char* path, mode_t mode) { return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
FILE* fopen(const char* path, const char* mode) { return open_stream(path, mode, REAL(fopen)); }
FILE* fopen64(const char* path, const char* mode) { return open_stream(path, mode, REAL(fopen64)); }

int close(int descriptor) {
  if (!door().path_of(descriptor).empty()) {
    door().opened(descriptor, "");
  }
  return REAL(close)(descriptor);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  return write_file(
      "write", descriptor, 0, bytes, size, [&] { return REAL(write)(descriptor, bytes, size); },
      [&] { (void)!REAL(write)(descriptor, bytes, size / 2); });
}
ssize_t writev(int descriptor, const iovec* parts, int count) {
  if (door().path_of(descriptor).empty()) {
    return REAL(writev)(descriptor, parts, count);
  }
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  return write(descriptor, bytes.data(), bytes.size());
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  return write_file(
      "pwrite", descriptor, offset, bytes, size, [&] { return REAL(pwrite)(descriptor, bytes, size, offset); },
      [&] { (void)!REAL(pwrite)(descriptor, bytes, size / 2, offset); });
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return pwrite(descriptor, bytes, size, offset);
}
int fsync(int descriptor) {
  return on_descriptor("fsync", descriptor, 0, [&] { return REAL(fsync)(descriptor); });
}
int fdatasync(int descriptor) {
  return on_descriptor("fdatasync", descriptor, 0, [&] { return REAL(fdatasync)(descriptor); });
}
int ftruncate(int descriptor, off_t size) noexcept {
  return on_descriptor("ftruncate", descriptor, size, [&] { return REAL(ftruncate)(descriptor, size); });
}

int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }

int rename(const char* from, const char* to) noexcept {
  return change("rename", absolute(AT_FDCWD, from), absolute(AT_FDCWD, to), [&] { return REAL(rename)(from, to); });
}
int renameat(int folder, const char* from, int second, const char* to) noexcept {
  return change("rename", absolute(folder, from), absolute(second, to),
                [&] { return REAL(renameat)(folder, from, second, to); });
}
int link(const char* from, const char* to) noexcept {
  return change("link", absolute(AT_FDCWD, from), absolute(AT_FDCWD, to), [&] { return REAL(link)(from, to); });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return change("mkdir", absolute(AT_FDCWD, path), "", [&] { return REAL(mkdir)(path, mode); });
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return change("mkdir", absolute(folder, path), "", [&] { return REAL(mkdirat)(folder, path, mode); });
}
int unlink(const char* path) noexcept {
  return change("unlink", absolute(AT_FDCWD, path), "", [&] { return REAL(unlink)(path); });
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return change((flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", absolute(folder, path), "",
                [&] { return REAL(unlinkat)(folder, path, flags); });
}
int rmdir(const char* path) noexcept {
  return change("rmdir", absolute(AT_FDCWD, path), "", [&] { return REAL(rmdir)(path); });
}
int remove(const char* path) noexcept {
  return change("unlink", absolute(AT_FDCWD, path), "", [&] { return REAL(remove)(path); });
}

}  // extern "C"
