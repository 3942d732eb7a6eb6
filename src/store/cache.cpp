#include "unroll/store/cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".stage";
constexpr std::string_view kTemporary = ".tmp-";
constexpr std::size_t kNameSize = 64 + kSuffix.size();
constexpr auto kForgotten = std::chrono::hours(24);  // a temporary file so old has no writer any more
constexpr std::uint64_t kListEvery = 1024;           // list again after writing this part of the limit
constexpr std::size_t kMaxHeader = 64 * 1024;

struct Found {
  std::string path;
  std::uint64_t size_bytes = 0;
  fs::file_time_type used;
  bool is_temporary = false;
};

/// What the folder holds of ours, entries and temporary files, least recently used first.
std::vector<Found> list(const std::string& folder) {
  std::vector<Found> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool is_temporary = name.starts_with(kTemporary);
    std::error_code gone;
    if (!name.ends_with(kSuffix) || (!is_temporary && name.size() != kNameSize) || !at->is_regular_file(gone)) {
      continue;
    }
    const std::uintmax_t size = at->file_size(gone);
    const fs::file_time_type used = gone ? fs::file_time_type() : at->last_write_time(gone);
    if (!gone) {  // else somebody else removed it
      entries.push_back({at->path().string(), size, used, is_temporary});
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Found& a, const Found& b) { return a.used != b.used ? a.used < b.used : a.path < b.path; });
  return entries;
}

/// The next bytes of a file, fewer at its end; nullopt when it cannot be read.
std::optional<std::string> read_next(const Descriptor& file, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(file.get(), bytes.data() + done, size - done);
    if (count < 0 && errno != EINTR) {
      return std::nullopt;
    }
    if (count == 0) {
      break;
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  bytes.resize(done);
  return bytes;
}

/// What an entry holds, verified; or why it holds nothing ("": it is not there, or was evicted under the reader).
struct Payload {
  std::vector<std::byte> bytes;
  std::string fault;
  bool is_good = false;
};

Payload fault(const std::string& why) { return {{}, why, false}; }
Payload fault(int code) { return fault(code == ENOENT || code == ESTALE ? "" : std::strerror(code)); }

/// `head` is the text before the line "bytes SIZE SHA256".
Payload read_entry(const std::string& path, const std::string& head) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) {
    return fault(errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return fault("it is no file");
  }
  const auto found_head = read_next(file, head.size());
  if (!found_head || *found_head != head) {
    return found_head ? fault("it is not an entry of this stage") : fault(errno);
  }
  const auto rest = read_next(file, static_cast<std::size_t>(info.st_size) - head.size());
  if (!rest) {
    return fault(errno);
  }
  const std::size_t line_end = std::min(rest->find('\n'), rest->size());
  const std::vector<std::string_view> words = split(std::string_view(*rest).substr(0, line_end), ' ');
  const std::string_view bytes = std::string_view(*rest).substr(std::min(line_end + 1, rest->size()));
  if (words.size() != 3 || words[0] != "bytes" || words[1] != std::to_string(bytes.size())) {
    return fault("it has not the size it names");
  }
  if (words[2] != sha256(bytes)) {
    return fault("its SHA-256 is another than it names");
  }
  const auto span = std::as_bytes(std::span(bytes));
  return {{span.begin(), span.end()}, "", true};
}

}  // namespace

struct StageCache::State {
  CacheOptions options;
  std::string numerics_key;
  Notice notice;
  std::unique_ptr<FileDoor> door;
  bool writes = true;  // until it fails
  bool said_too_large = false;
  std::optional<std::uint64_t> num_bytes;  // in the folder when it was listed, and written since
  std::uint64_t num_unlisted_bytes = 0;    // written since

  [[nodiscard]] std::string path_of(const std::string& id) const {
    return options.folder + "/" + sha256(head_of(id)) + std::string(kSuffix);
  }
  [[nodiscard]] std::string head_of(const std::string& id) const {
    return "unroll-stage 1\nstage " + printable(id, kMaxHeader) + "\nnumerics " + printable(numerics_key, kMaxHeader) +
           "\n";
  }

  void say(const std::string& what) const { notice("--cache " + printable(options.folder, 200) + ": " + what); }
  void stop_writing(const std::string& why) {
    writes = false;
    say(why + "; the study goes on, stages are read from it and none is kept");
  }

  void remove(const std::string& id, const std::string& why) {
    const std::string path = path_of(id);
    say(fs::path(path).filename().string() + " cannot be used: " + why +
        (door->remove(path) ? "; it is removed" : "; it cannot be removed either") +
        ", and its stage is trained again");
  }

  /// Brings the entries down to `wanted` bytes; false when it cannot. If any must go, a few more of the small ones do:
  /// else every write would list a folder of very many.
  bool shrink_to(std::uint64_t wanted) {
    const std::vector<Found> found = list(options.folder);
    std::uint64_t total = 0;
    for (const Found& file : found) {
      total += file.is_temporary ? 0 : file.size_bytes;
    }
    const std::uint64_t spare = total > wanted ? options.limit_bytes / 16 : 0;
    const fs::file_time_type forgotten = fs::file_time_type::clock::now() - kForgotten;
    for (const Found& file : found) {
      const bool is_small = file.size_bytes < part_of_limit();
      if (file.is_temporary && file.used < forgotten) {
        door->remove(file.path);
      } else if (!file.is_temporary && (total > wanted || (is_small && total + spare > wanted)) &&
                 door->remove(file.path)) {
        total -= file.size_bytes;
      }
    }
    num_bytes = total;
    num_unlisted_bytes = 0;
    return total <= wanted;
  }

  bool make_room(std::uint64_t size_bytes) {
    return (num_bytes && *num_bytes + size_bytes <= options.limit_bytes) || shrink_to(options.limit_bytes - size_bytes);
  }

  /// What others wrote meanwhile counts too: the last of several writers finds it all.
  void count_written(std::uint64_t size_bytes) {
    *num_bytes += size_bytes;
    num_unlisted_bytes += size_bytes;
    if (num_unlisted_bytes >= part_of_limit()) {
      shrink_to(options.limit_bytes);
    }
  }

  [[nodiscard]] std::uint64_t part_of_limit() const { return options.limit_bytes / kListEvery; }
};

StageCache::StageCache(CacheOptions options, const std::string& numerics_key, Notice notice)
    : StageCache(std::move(options), numerics_key, std::move(notice), std::make_unique<FileDoor>()) {}

StageCache::StageCache(CacheOptions options, const std::string& numerics_key, Notice notice,
                       std::unique_ptr<FileDoor> door)
    : state_(new State{std::move(options), numerics_key, std::move(notice), std::move(door), true, false, std::nullopt,
                       0}) {}

StageCache::StageCache(StageCache&& other) noexcept = default;
StageCache::~StageCache() = default;

void StageCache::open() {
  try {
    const std::string probe = state_->options.folder + "/probe" + std::string(kSuffix);
    state_->door->make_folders(state_->options.folder);
    state_->door->replace(probe, "can this folder be written?\n");
    state_->door->remove(probe);
    state_->shrink_to(state_->options.limit_bytes);
  } catch (const FileError& error) {
    state_->stop_writing(error.what());
  }
}

std::optional<hdf5::ArrayFile> StageCache::find(const std::string& id) {
  const std::string path = state_->path_of(id);
  const Payload payload = read_entry(path, state_->head_of(id));
  if (!payload.is_good) {
    if (!payload.fault.empty()) {
      state_->remove(id, payload.fault);
    }
    return std::nullopt;
  }
  try {
    hdf5::ArrayFile stage = hdf5::from_image(payload.bytes, path);
    state_->door->touch(path);
    return stage;
  } catch (const Error& unreadable) {
    state_->remove(id, unreadable.what());
    return std::nullopt;
  }
}

void StageCache::reject(const std::string& id, const std::string& why) { state_->remove(id, why); }

void StageCache::keep(const std::string& id, const hdf5::ArrayFile& stage) {
  if (!state_->writes) {
    return;
  }
  const std::vector<std::byte> image = hdf5::to_image(stage);
  const std::string head = state_->head_of(id) + "bytes " + std::to_string(image.size()) + " " +
                           sha256(std::span<const std::byte>(image)) + "\n";
  const auto head_bytes = std::as_bytes(std::span(head));
  std::vector<std::byte> entry(head_bytes.begin(), head_bytes.end());
  entry.insert(entry.end(), image.begin(), image.end());
  if (entry.size() > state_->options.limit_bytes) {
    if (!std::exchange(state_->said_too_large, true)) {
      state_->say("a stage of " + std::to_string(entry.size()) + " bytes is not kept: it is larger than --cache-limit");
    }
    return;
  }
  if (!state_->make_room(entry.size())) {
    return state_->stop_writing("its old entries cannot be removed, and it has reached --cache-limit");
  }
  try {
    state_->door->replace(state_->path_of(id), entry);
    state_->count_written(entry.size());
  } catch (const FileError& error) {
    const bool said_by_open = error.code() == EROFS || error.code() == EACCES || error.code() == EPERM;
    said_by_open ? void(state_->writes = false) : state_->stop_writing(error.what());
  }
}

}  // namespace unroll::store
