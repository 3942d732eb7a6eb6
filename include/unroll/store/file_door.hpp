#pragma once
// The one door to the file system for everything the program writes. A file appears whole or not at all: it is written
// under a name of its own (.tmp-...), forced to disk, renamed, and its folder is forced to disk. Appended records are
// forced to disk too. The system calls are virtual, so that a test can make any of them fail.
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/base/handle.hpp"

namespace unroll::store {

/// A system call failed: "PATH: cannot be written: No space left on device". code() is errno.
class FileError : public Error {
 public:
  FileError(const std::string& path, const std::string& what, int code);
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

struct DescriptorTraits {
  using Type = int;
  static Type null() noexcept { return -1; }
  static void close(Type descriptor) noexcept;
};
using Descriptor = UniqueHandle<DescriptorTraits>;

class FileDoor {
 public:
  FileDoor() = default;
  virtual ~FileDoor() = default;
  FileDoor(const FileDoor&) = delete;
  FileDoor& operator=(const FileDoor&) = delete;

  /// Makes a folder and its parents, durably; returns those that were not there, outermost first. On an error none is
  /// left.
  std::vector<std::string> make_folders(const std::string& path);
  /// The file holds these bytes, durably, or is what it was before. Throws FileError. before_rename may throw too: the
  /// last moment to think better of it.
  void replace(const std::string& path, std::span<const std::byte> bytes,
               const std::function<void()>& before_rename = {});
  void replace(const std::string& path, std::string_view text);
  /// The same for a file that is written by another library: `write` makes the file of the name that it is given. What
  /// it throws is thrown, as FileError where the system refused.
  void replace_by(const std::string& path, const std::function<void(const std::string& temporary)>& write);
  /// A new file to append to; FileError with code EEXIST when there is one already.
  [[nodiscard]] Descriptor create(const std::string& path);
  /// A file to append to, made if it is not there.
  [[nodiscard]] Descriptor open_to_append(const std::string& path);
  /// Appends and forces to disk.
  void append(const Descriptor& file, const std::string& path, std::string_view text);
  /// Appends in one write, not forced to disk; an error is not one.
  void note(const Descriptor& file, std::string_view text) noexcept;
  /// Gives a folder another name, durably; false when a folder of that name holds anything already.
  [[nodiscard]] bool move_folder(const std::string& from, const std::string& to);
  /// Removes a file or an empty folder; false, and no error, when it is still there.
  bool remove(const std::string& path) noexcept;
  /// The file was modified now, says the file system; an error is not one.
  void touch(const std::string& path) noexcept;

 protected:
  // The system calls: as in POSIX, -1 with errno on an error.
  virtual int system_open(const char* path, int flags, mode_t mode);
  virtual ssize_t system_write(int descriptor, const void* bytes, std::size_t size);
  virtual int system_fsync(int descriptor);
  virtual int system_close(int descriptor);
  virtual int system_rename(const char* from, const char* to);
  virtual int system_mkdir(const char* path, mode_t mode);
  virtual int system_remove(const char* path);
  virtual int system_touch(const char* path);

 private:
  void write_all(int descriptor, const std::string& path, std::span<const std::byte> bytes);
  void write_by(const std::string& path, const std::string& temporary,
                const std::function<void(const std::string& temporary)>& write);
  void finish(Descriptor file, const std::string& temporary, const std::string& path);  // closes and renames
  void sync_folder_of(const std::string& path);
  int sync_folder(const std::string& folder);  // 0 or errno
};

}  // namespace unroll::store
