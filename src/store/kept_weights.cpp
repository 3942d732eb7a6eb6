#include "unroll/store/kept_weights.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "digest.hpp"
#include "shard.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::store {
namespace {

constexpr std::uint64_t kLoadedBytes = 256'000'000;
constexpr auto kDeadline = std::chrono::seconds(30);
constexpr auto kPollInterval = std::chrono::milliseconds(50);

std::string path_of(const std::string& folder, const std::string& name) { return kept_folder(folder) + '/' + name; }

}  // namespace

std::string kept_name(const std::string& model_id, std::int64_t step) { return model_id + ".t" + std::to_string(step); }

std::string kept_folder(const std::string& folder) { return folder + "/weights/kept"; }

std::vector<KeptFile> recorded_files(const std::string& folder) {
  std::vector<KeptFile> files;
  for (JournalRecord& record : read_journals(folder)) {
    if (record.kind == RecordKind::weights) {
      files.push_back({record.name, digest_text(record.size_bytes, record.sha256), std::move(record.runs)});
    }
  }
  return files;
}

std::string text_of(const std::vector<KeptFile>& files) {
  std::string text;
  for (const KeptFile& file : files) {
    text += file.name + ' ' + file.digest + ' ' + join(file.names, ",") + '\n';
  }
  return text;
}

std::vector<KeptFile> files_of(std::string_view text) {
  std::vector<KeptFile> files;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() == 3) {
      const auto names = split(fields[2], ',');
      files.push_back({std::string(fields[0]), std::string(fields[1]), {names.begin(), names.end()}});
    }
  }
  return files;
}

std::vector<KeptFile> kept_files(const std::string& folder) {
  std::vector<KeptFile> files = recorded_files(folder);
  std::error_code error;
  std::erase_if(files,
                [&](const KeptFile& file) { return !std::filesystem::exists(path_of(folder, file.name), error); });
  return files;
}

bool is_whole(const std::string& folder, const KeptFile& file) {
  const auto image = read_file(path_of(folder, file.name));
  return image && digest_of(*image) == file.digest;
}

KeptReader::KeptReader(std::string folder, std::vector<KeptFile> files)
    : folder_(std::move(folder)), files_(std::move(files)) {
  for (std::size_t file = 0; file < files_.size(); ++file) {
    for (const std::string& name : files_[file].names) {
      file_of_.emplace(name, file);  // one that was trained twice is the same bytes
    }
  }
}

const hdf5::Array& KeptReader::read(const std::string& name) {
  const auto file = file_of_.find(name);
  if (file == file_of_.end()) {
    throw Error("weights " + name + " are not kept");
  }
  const Loaded& loaded = load(file->second);
  const auto array = loaded.arrays.find(name);
  if (array == loaded.arrays.end()) {
    throw Error(path_of(folder_, files_[file->second].name) + ": does not hold the weights " + name +
                " that a journal says it holds; remove it and run again to train them again");
  }
  return array->second;
}

const KeptReader::Loaded& KeptReader::load(std::size_t index) {
  const auto known = loaded_.find(index);
  if (known != loaded_.end()) {
    return known->second;
  }
  const std::string path = path_of(folder_, files_[index].name);
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  auto image = read_file(path);
  while (!image || digest_of(*image) != files_[index].digest) {
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(path + ": weights that were kept are gone or damaged; run again to train them again");
    }
    std::this_thread::sleep_for(kPollInterval);  // another machine's file may show late
    image = read_file(path);
  }
  if (loaded_bytes_ + image->size() > kLoadedBytes) {
    loaded_.clear();
    loaded_bytes_ = 0;
  }
  loaded_bytes_ += image->size();
  Loaded& loaded = loaded_[index];
  for (hdf5::Array& array : hdf5::from_image(*image, path).arrays) {
    std::string name = array.name;
    loaded.arrays.emplace(std::move(name), std::move(array));
  }
  return loaded;
}

void remove_damaged(const std::string& folder, const std::vector<std::string>& files) {
  FileDoor door;
  for (const std::string& file : files) {
    door.remove(path_of(folder, file));
  }
}

void remove_kept(const std::string& folder, const std::unordered_set<std::string>& needed) {
  std::unordered_set<std::string> stay;
  for (const KeptFile& file : kept_files(folder)) {
    if (std::any_of(file.names.begin(), file.names.end(), [&](const auto& name) { return needed.contains(name); })) {
      stay.insert(file.name);
    }
  }
  FileDoor door;
  std::error_code error;
  std::vector<std::string> gone;
  for (const auto& entry : std::filesystem::directory_iterator(kept_folder(folder), error)) {
    if (!stay.contains(entry.path().filename().string())) {
      gone.push_back(entry.path().string());
    }
  }
  for (const std::string& path : gone) {
    door.remove(path);
  }
  if (stay.empty() && !gone.empty()) {
    door.remove(kept_folder(folder));
    door.remove(folder + "/weights");  // stays where it holds weights that were asked for
  }
}

}  // namespace unroll::store
