#include "output_folder.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

UsageError cannot(const std::string& option, const std::string& folder, const std::string& why) {
  return UsageError(option + " = " + printable(folder, 200) + ": " + why + "; give a folder that can be written");
}

/// The folder, or the nearest one above it that exists.
std::filesystem::path existing_folder(const std::string& option, const std::string& folder) {
  if (folder.empty()) {
    throw cannot(option, folder, "is empty");
  }
  std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  while (true) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode)) {
        throw cannot(option, folder, path.string() + " is a file, not a folder");
      }
      return path;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
      throw cannot(option, folder, std::generic_category().message(errno));
    }
    if (lstat(path.c_str(), &info) == 0) {
      throw cannot(option, folder, path.string() + " is a link to nothing");
    }
    path = path.parent_path();
  }
}

void check_writable(const std::string& option, const std::string& folder, const std::filesystem::path& existing) {
  std::string probe = (existing / ".unroll-check-XXXXXX").string();
  if (mkdtemp(probe.data()) == nullptr) {
    throw cannot(option, folder, existing.string() + " cannot be written: " + std::generic_category().message(errno));
  }
  rmdir(probe.c_str());
}

}  // namespace

void check_output_folder(const std::string& folder) {
  check_writable("--output", folder, existing_folder("--output", folder));
}

void check_cache_folder(const std::string& folder) {
  const std::filesystem::path existing = existing_folder("--cache", folder);
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    check_writable("--cache", folder, existing);
  } else if (access(folder.c_str(), R_OK | X_OK) != 0) {
    throw cannot("--cache", folder, "cannot be read: " + std::generic_category().message(errno));
  }
}

}  // namespace unroll::app
