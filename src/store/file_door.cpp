#include "unroll/store/file_door.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

namespace unroll::store {
namespace {

constexpr mode_t kFileMode = 0666;
constexpr mode_t kFolderMode = 0777;
constexpr std::size_t kMaxWriteBytes = std::size_t{1} << 30;  // Linux writes at most 2 GiB - 4 KiB at once

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// No other writer's: processes of other machines and containers may have the same number.
std::string temporary_name(const std::string& path) {
  std::random_device random;
  const std::string writer = std::to_string(getpid()) + "-" + std::to_string(random()) + std::to_string(random());
  const std::filesystem::path whole(path);
  return (whole.parent_path() / (".tmp-" + writer + "-" + whole.filename().string())).string();
}

}  // namespace

FileError::FileError(const std::string& path, const std::string& what, int code)
    : Error(path + ": " + what + ": " + std::strerror(code)), code_(code) {}

void DescriptorTraits::close(Type descriptor) noexcept { ::close(descriptor); }

std::vector<std::string> FileDoor::make_folders(const std::string& path) {
  std::vector<std::string> made;
  std::filesystem::path so_far;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    so_far /= part;
    std::error_code error;
    if (part.empty() || std::filesystem::is_directory(so_far, error)) {
      continue;
    }
    int code = system_mkdir(so_far.c_str(), kFolderMode) == 0 ? 0 : errno;
    if (code == EEXIST && std::filesystem::is_directory(so_far, error)) {
      continue;  // somebody else was faster
    }
    if (code == 0) {
      made.push_back(so_far.string());
      code = sync_folder(folder_of(so_far.string()));
    }
    if (code != 0) {
      std::for_each(made.rbegin(), made.rend(), [this](const std::string& folder) { remove(folder); });
      throw FileError(path, "this folder cannot be made", code == EEXIST ? ENOTDIR : code);
    }
  }
  if (made.empty()) {  // whoever made it may not have come to this
    sync_folder_of(path);
  }
  return made;
}

void FileDoor::replace(const std::string& path, std::span<const std::byte> bytes,
                       const std::function<void()>& before_rename) {
  const std::string temporary = temporary_name(path);
  try {
    Descriptor file(system_open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
    if (!file) {
      throw FileError(path, "cannot be written", errno);
    }
    write_all(file.get(), path, bytes);
    if (before_rename) {
      before_rename();
    }
    finish(std::move(file), temporary, path);
  } catch (...) {
    remove(temporary);
    throw;
  }
  sync_folder_of(path);
}

void FileDoor::replace_by(const std::string& path, const std::function<void(const std::string& temporary)>& write) {
  const std::string temporary = temporary_name(path);
  try {
    write_by(path, temporary, write);
    Descriptor file(system_open(temporary.c_str(), O_WRONLY | O_CLOEXEC, 0));
    if (!file || system_fsync(file.get()) != 0) {
      throw FileError(path, "cannot be forced to disk", errno);
    }
    finish(std::move(file), temporary, path);
  } catch (...) {
    remove(temporary);
    throw;
  }
  sync_folder_of(path);
}

void FileDoor::write_by(const std::string& path, const std::string& temporary,
                        const std::function<void(const std::string& temporary)>& write) {
  errno = 0;
  try {
    write(temporary);
  } catch (const FileError&) {
    throw;
  } catch (const Error& error) {
    const int code = errno;  // of the system call that the other library met
    if (code == ENOSPC || code == EDQUOT || code == EIO || code == EROFS || code == EFBIG) {
      throw FileError(path, "cannot be written", code);
    }
    throw;
  }
}

void FileDoor::finish(Descriptor file, const std::string& temporary, const std::string& path) {
  if (system_close(file.release()) != 0) {
    throw FileError(path, "cannot be written", errno);
  }
  if (system_rename(temporary.c_str(), path.c_str()) != 0) {
    throw FileError(path, "cannot be renamed from " + temporary, errno);
  }
}

void FileDoor::replace(const std::string& path, std::string_view text) {
  replace(path, std::as_bytes(std::span(text)));
}

Descriptor FileDoor::create(const std::string& path) {
  Descriptor file(system_open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, kFileMode));
  if (!file) {
    throw FileError(path, "cannot be created", errno);
  }
  sync_folder_of(path);
  return file;
}

void FileDoor::append(const Descriptor& file, const std::string& path, std::string_view text) {
  write_all(file.get(), path, std::as_bytes(std::span(text)));
}

Descriptor FileDoor::open_to_append(const std::string& path) {
  Descriptor file(system_open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode));
  if (!file) {
    throw FileError(path, "cannot be written", errno);
  }
  return file;
}

void FileDoor::note(const Descriptor& file, std::string_view text) noexcept {
  (void)system_write(file.get(), text.data(), text.size());
}

bool FileDoor::move_folder(const std::string& from, const std::string& to) {
  if (system_rename(from.c_str(), to.c_str()) != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY) {
      return false;
    }
    throw FileError(to, "cannot be renamed from " + from, errno);
  }
  sync_folder_of(to);
  return true;
}

bool FileDoor::remove(const std::string& path) noexcept { return system_remove(path.c_str()) == 0 || errno == ENOENT; }
void FileDoor::touch(const std::string& path) noexcept { system_touch(path.c_str()); }

void FileDoor::write_all(int descriptor, const std::string& path, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = system_write(descriptor, bytes.data(), std::min(bytes.size(), kMaxWriteBytes));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      throw FileError(path, "cannot be written", count == 0 ? ENOSPC : errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  if (system_fsync(descriptor) != 0) {
    throw FileError(path, "cannot be forced to disk", errno);
  }
}

void FileDoor::sync_folder_of(const std::string& path) {
  const std::string folder = folder_of(path);
  if (const int code = sync_folder(folder); code != 0) {
    throw FileError(folder, "cannot be forced to disk", code);
  }
}

int FileDoor::sync_folder(const std::string& folder) {
  const Descriptor descriptor(system_open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
  if (!descriptor) {
    return errno == EACCES ? 0 : errno;  // one that may be written but not read: nobody can force it
  }
  const int code = system_fsync(descriptor.get()) == 0 ? 0 : errno;
  return code == EINVAL ? 0 : code;  // this file system has no such call
}

int FileDoor::system_open(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }
ssize_t FileDoor::system_write(int descriptor, const void* bytes, std::size_t size) {
  return ::write(descriptor, bytes, size);
}
int FileDoor::system_fsync(int descriptor) { return ::fsync(descriptor); }
int FileDoor::system_close(int descriptor) { return ::close(descriptor); }
int FileDoor::system_rename(const char* from, const char* to) { return ::rename(from, to); }
int FileDoor::system_mkdir(const char* path, mode_t mode) { return ::mkdir(path, mode); }
int FileDoor::system_remove(const char* path) { return ::remove(path); }
int FileDoor::system_touch(const char* path) { return ::utimensat(AT_FDCWD, path, nullptr, 0); }

}  // namespace unroll::store
