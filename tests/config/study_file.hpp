#pragma once
// A config file that lives as long as a test needs it.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/config/study.hpp"

namespace unroll::config {

class StudyFile {
 public:
  explicit StudyFile(std::string_view text) {
    static int count = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("unroll-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".ini"))
                .string();
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~StudyFile() { std::filesystem::remove(path_); }
  StudyFile(const StudyFile&) = delete;
  StudyFile& operator=(const StudyFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline Study study_of(std::string_view text, const std::vector<std::string>& set = {}) {
  return read_study(StudyFile(text).path(), set);
}

/// The error's text with the file's path written FILE; "" when there is none.
inline std::string error_of(std::string_view text, const std::vector<std::string>& set = {}) {
  const StudyFile file(text);
  try {
    (void)read_study(file.path(), set);
  } catch (const UsageError& error) {
    std::string message = error.what();
    for (std::size_t at; (at = message.find(file.path())) != std::string::npos;) {
      message.replace(at, file.path().size(), "FILE");
    }
    return message;
  }
  return "";
}

}  // namespace unroll::config
