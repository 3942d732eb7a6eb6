#pragma once
// The stage cache: a folder, shared by studies, jobs and ranks, that keeps finished pretrainings so that the next study
// starts from them. Operational: it enters no id, and a study with it leaves the same bytes as one without.
//
//   FOLDER/<sha256 of stage id and numerics key>.stage      one file a stage; format: src/store/README.md
//
// An entry appears whole (temporary file, fsync, rename) and is verified by size and SHA-256 before it is used: one
// that is damaged or of something else is named in a notice, removed, and its stage trained again. Whatever happens to
// the folder (read-only, full, emptied, evicted under a reader, written by two jobs at once), a study goes on without
// it.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "unroll/hdf5/arrays.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::store {

struct CacheOptions {
  std::string folder;
  std::uint64_t limit_bytes = 20'000'000'000;  // of all entries; the least recently used make room
};

/// One rank's use of the folder; nothing throws but for want of memory.
class StageCache {
 public:
  using Notice = std::function<void(const std::string& line)>;

  StageCache(CacheOptions options, const std::string& numerics_key, Notice notice);
  StageCache(CacheOptions options, const std::string& numerics_key, Notice notice, std::unique_ptr<FileDoor> door);
  StageCache(StageCache&& other) noexcept;
  ~StageCache();

  /// To be called on one rank before the others use the folder: makes it, removes entries beyond the limit, and says in
  /// one notice if it cannot be written (the other ranks then keep silent about it).
  void open();
  /// A verified stage, now the most recently used; nullopt when there is none.
  [[nodiscard]] std::optional<hdf5::ArrayFile> find(const std::string& id);
  /// Says why an entry that find() gave cannot be used, and removes it.
  void reject(const std::string& id, const std::string& why);
  /// Makes room and writes the entry, durably. After a failure nothing more is written (one notice).
  /// A stage larger than the limit is not kept (one notice).
  void keep(const std::string& id, const hdf5::ArrayFile& stage);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unroll::store
