#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "digest.hpp"
#include "identity.hpp"
#include "shard.hpp"
#include "stage_file.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/checkpoints.hpp"
#include "unroll/store/events.hpp"
#include "unroll/store/file_door.hpp"
#include "unroll/store/kept_weights.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kShownDigits = 16;  // of a run's id, in events

template <typename... Numbers>
std::string numbered(const char* format, Numbers... numbers) {
  char text[64];
  std::snprintf(text, sizeof text, format, numbers...);
  return text;
}

}  // namespace

struct Writer::State {
  std::string folder;
  std::int64_t attempt = 1;
  ShardOrigin origin;
  std::unique_ptr<FileDoor> door;
  EventLog* events = nullptr;
  std::string name;  // of this writer: its rank and attempt
  std::string journal_path;
  Descriptor journal;   // opened with the first record
  Descriptor failures;  // opened with the first failure
  std::string failures_path;
  int num_shards = 0;
  int num_weights = 0;
  int num_checkpoints = 0;

  OnRefusal on_refusal;

  // Before anything is written, and again when it is about to appear.
  void check_newest() const { store::check_newest(folder, attempt); }

  /// Does it, and again as long as the disk refuses and somebody waits for it.
  template <typename Action>
  void patiently(Action action) const {
    for (;;) {
      try {
        return action();
      } catch (const FileError& error) {
        if (error.code() == EEXIST || !on_refusal || !on_refusal(error)) {
          throw;
        }
      }
    }
  }

  void replace(const std::string& path, const std::vector<std::byte>& image) const {
    patiently([&] { door->replace(path, image, [this] { check_newest(); }); });
  }
  void make_folders(const std::string& path) const {
    patiently([&] { door->make_folders(path); });
  }
  void append(const Descriptor& file, const std::string& path, const std::string& text) const {
    patiently([&] { door->append(file, path, text); });
  }

  // A file of its own, "<stem>.log". One of that name is there when a disk refused it half-way: then "<stem>.2.log".
  [[nodiscard]] std::string create(Descriptor& file, const std::string& stem) const {
    for (int number = 1;; ++number) {
      const std::string path = stem + (number > 1 ? '.' + std::to_string(number) : "") + ".log";
      try {
        patiently([&] { file = door->create(path); });
        return path;
      } catch (const FileError& error) {
        if (error.code() != EEXIST) {
          throw;
        }
      }
    }
  }

  void open_journal() {
    check_newest();
    if (!journal) {
      journal_path = create(journal, folder + "/journal/" + name);
    }
  }

  void record(const JournalRecord& entry) const { append(journal, journal_path, encode(entry)); }

  void tell(const JournalRecord& entry, std::span<const record::TreeRecord> trees) const {
    if (events == nullptr) {
      return;
    }
    std::vector<std::string> ids;
    for (const record::TreeRecord& tree : trees) {
      for (const record::RunRow& run : tree.runs) {
        ids.push_back(run.run_id.substr(0, kShownDigits));
        if (run.status != "ok") {
          events->write("run", ids.back() + ' ' + run.status + ' ' + run.reason);
        }
      }
    }
    events->write("commit", entry.name + " runs=" + join(ids, ","));
  }
};

Writer::Writer(std::string folder, int rank, std::string numerics_key, std::int64_t attempt)
    : Writer(std::move(folder), rank, std::move(numerics_key), std::make_unique<FileDoor>(), attempt) {}

Writer::Writer(std::string folder, int rank, std::string numerics_key, std::unique_ptr<FileDoor> door,
               std::int64_t attempt)
    : state_(std::make_unique<State>()) {
  const std::optional<Identity> identity = read_identity(folder);
  if (!identity) {
    throw Error(folder + ": has no plan.txt; prepare it first");
  }
  state_->folder = std::move(folder);
  state_->attempt = attempt;
  state_->name = numbered("r%05d-a%04lld", rank, static_cast<long long>(attempt));
  state_->origin = {identity->plan_id, std::move(numerics_key)};
  state_->door = std::move(door);
}

std::int64_t Writer::attempt() const { return state_->attempt; }
void Writer::check_newest() const { state_->check_newest(); }
void Writer::log_to(EventLog& events) { state_->events = &events; }

Writer::~Writer() = default;

void Writer::on_refusal(OnRefusal ask) { state_->on_refusal = std::move(ask); }

void Writer::commit(std::span<const record::TreeRecord> trees, std::span<const record::TelemetryRow> telemetry) {
  if (trees.empty() && telemetry.empty()) {
    return;
  }
  const std::vector<std::byte> image = shard_image(state_->origin, trees, telemetry);
  JournalRecord entry{RecordKind::shard, "", image.size(), sha256(std::span<const std::byte>(image)), {}};
  for (const record::TreeRecord& tree : trees) {
    for (const record::RunRow& run : tree.runs) {
      if (!is_plain_name(run.run_id)) {
        throw Error("a run cannot be called '" + printable(run.run_id) + "'");
      }
      entry.runs.push_back(run.run_id);
    }
    for (const record::DistanceRow& row : tree.distances) {  // those of a group follow each other
      if (entry.runs.empty() || entry.runs.back() != row.group_id) {
        entry.runs.push_back(row.group_id);
      }
    }
  }
  state_->open_journal();
  entry.name = state_->name + numbered("-%06d-", ++state_->num_shards) + entry.sha256 + ".h5";
  state_->replace(state_->folder + "/shards/" + entry.name, image);
  state_->record(entry);
  state_->tell(entry, trees);
}

std::string Writer::commit_stage(const std::string& id, const hdf5::ArrayFile& stage) {
  const std::string path = stage_path(state_->folder, id);
  const std::vector<std::byte> image = hdf5::to_image(stage);
  const JournalRecord entry{RecordKind::stage, id, image.size(), sha256(std::span<const std::byte>(image)), {}};
  state_->open_journal();
  state_->replace(path, image);
  state_->record(entry);
  return digest_text(entry.size_bytes, entry.sha256);
}

void Writer::commit_weights(std::vector<hdf5::Array> weights) {
  if (weights.empty()) {
    return;
  }
  JournalRecord entry{RecordKind::weights, "", 0, "", {}};
  for (const hdf5::Array& array : weights) {
    entry.runs.push_back(array.name);
  }
  const std::vector<std::byte> image = hdf5::to_image({std::move(weights), {}});
  entry.size_bytes = image.size();
  entry.sha256 = sha256(std::span<const std::byte>(image));
  state_->open_journal();
  entry.name = state_->name + numbered("-%06d-", ++state_->num_weights) + entry.sha256 + ".h5";
  state_->make_folders(state_->folder + "/weights");  // each by itself: it may be there and not yet durable
  state_->make_folders(kept_folder(state_->folder));
  state_->replace(kept_folder(state_->folder) + '/' + entry.name, image);
  state_->record(entry);
}

void Writer::commit_failures(std::span<const Failure> failures) {
  if (failures.empty()) {
    return;
  }
  state_->check_newest();
  if (!state_->failures) {
    state_->make_folders(failures_folder(state_->folder));
    state_->failures_path = state_->create(state_->failures, failures_folder(state_->folder) + '/' + state_->name);
  }
  state_->append(state_->failures, state_->failures_path, encode(failures));
}

std::string Writer::commit_checkpoint(const std::vector<std::string>& names, const std::vector<std::byte>& bytes) {
  JournalRecord entry{RecordKind::checkpoint, "", bytes.size(), sha256(std::span<const std::byte>(bytes)), names};
  state_->open_journal();
  entry.name = state_->name + numbered("-%06d-", ++state_->num_checkpoints) + entry.sha256 + ".ckpt";
  state_->make_folders(checkpoint_folder(state_->folder));
  state_->replace(checkpoint_folder(state_->folder) + '/' + entry.name, bytes);
  state_->record(entry);
  return entry.name;
}

void Writer::drop_checkpoint(const std::string& name) noexcept {
  state_->door->remove(checkpoint_folder(state_->folder) + '/' + name);
}

void Writer::write_arrays(const std::string& relative_path, const hdf5::ArrayFile& arrays) {
  for (const std::string_view part : split(relative_path, '/')) {
    if (!is_plain_name(part)) {
      throw Error("a file in the results cannot be called '" + printable(relative_path) + "'");
    }
  }
  state_->check_newest();
  const std::string path = state_->folder + '/' + relative_path;
  state_->make_folders(std::filesystem::path(path).parent_path().string());
  state_->replace(path, hdf5::to_image(arrays));
}

}  // namespace unroll::store
