#include "unroll/store/checkpoints.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "digest.hpp"
#include "shard.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::store {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(50);

std::string path_of(const std::string& folder, const std::string& name) {
  return checkpoint_folder(folder) + '/' + name;
}

}  // namespace

std::string checkpoint_folder(const std::string& folder) { return folder + "/checkpoints"; }

std::vector<KeptFile> checkpoint_files(const std::string& folder) {
  std::vector<KeptFile> files;
  for (JournalRecord& record : read_journals(folder)) {
    std::error_code error;
    if (record.kind == RecordKind::checkpoint &&
        std::filesystem::file_size(path_of(folder, record.name), error) == record.size_bytes && !error) {
      files.push_back({record.name, digest_text(record.size_bytes, record.sha256), std::move(record.runs)});
    }
  }
  return files;
}

std::optional<std::vector<std::byte>> read_checkpoint(const std::string& folder, const KeptFile& file,
                                                      double deadline_s) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(deadline_s);
  for (;;) {
    auto bytes = read_file(path_of(folder, file.name));
    if (bytes) {
      return digest_of(*bytes) == file.digest ? std::move(bytes) : std::nullopt;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return std::nullopt;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

void remove_checkpoints(const std::string& folder, const std::vector<KeptFile>& but) {
  std::error_code error;
  std::vector<std::string> gone;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoint_folder(folder), error)) {
    const std::string name = entry.path().filename().string();
    if (std::none_of(but.begin(), but.end(), [&](const KeptFile& file) { return file.name == name; })) {
      gone.push_back(entry.path().string());
    }
  }
  FileDoor door;
  for (const std::string& path : gone) {
    door.remove(path);
  }
  if (but.empty() && !gone.empty()) {
    door.remove(checkpoint_folder(folder));
  }
}

}  // namespace unroll::store
