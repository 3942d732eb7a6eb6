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

constexpr const char* kAdvice = "; give a folder that can be written";

UsageError cannot(const std::string& folder, const std::string& why) {
  return UsageError("--output = " + printable(folder, 200) + ": " + why + kAdvice);
}

/// The folder, or the nearest one above it that exists.
std::filesystem::path existing_folder(const std::string& folder) {
  std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  while (true) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode)) {
        throw cannot(folder, path.string() + " is a file, not a folder");
      }
      return path;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
      throw cannot(folder, std::generic_category().message(errno));
    }
    if (lstat(path.c_str(), &info) == 0) {
      throw cannot(folder, path.string() + " is a link to nothing");
    }
    path = path.parent_path();
  }
}

}  // namespace

void check_output_folder(const std::string& folder) {
  if (folder.empty()) {
    throw cannot(folder, "is empty");
  }
  const std::filesystem::path existing = existing_folder(folder);
  std::string probe = (existing / ".unroll-check-XXXXXX").string();
  if (mkdtemp(probe.data()) == nullptr) {
    throw cannot(folder, existing.string() + " cannot be written: " + std::generic_category().message(errno));
  }
  rmdir(probe.c_str());
}

}  // namespace unroll::app
