#pragma once
// What all shards of a folder hold, each run and each point of a curve once. A run is finished by whoever finished it
// first; a second time it must be the same bytes. The same holds for curves, which every part of a tree measures.
// Rows of /pairs and /layers, of which there may be more than memory holds, stay in their shards: here is where.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shard.hpp"
#include "unroll/store/failures.hpp"

namespace unroll::store {

/// A row of a table of a shard: Collected::shards[shard].
struct RowPlace {
  std::uint32_t shard = 0;
  std::uint32_t row = 0;
};

struct PlacedPair {
  std::int64_t step = 0;
  double verification_error = 0;
  std::string status;
  RowPlace place;
};

struct PlacedLayer {
  std::int64_t step = 0;
  RowPlace place;
};

struct RunRows {
  record::RunRow run;
  std::uint32_t shard = 0;
  std::vector<PlacedPair> pairs;    // by ascending step
  std::vector<PlacedLayer> layers;  // by ascending step; those of one step as the network has them
};

using Curve = std::map<std::pair<std::string, std::int64_t>, record::CurveRow>;  // by measure_id and step

using Twin = std::map<std::int64_t, record::TwinRow>;  // by step

class Collected {
 public:
  /// All rows of a shard that was added, by its name: asked for when a run is there twice.
  using LoadShard = std::function<Shard(const std::string& name)>;
  explicit Collected(LoadShard load) : load_(std::move(load)) {}

  std::vector<std::string> shards;
  std::unordered_map<std::string, RunRows> runs;                             // by run id
  std::map<std::string, Twin> twins;                                         // by stage id of M
  std::unordered_map<std::string, std::vector<record::DistanceRow>> groups;  // by group id, as they were compared
  std::map<std::string, Curve> curves;                                       // by stage id of M
  std::vector<record::TelemetryRow> telemetry;
  std::unordered_map<std::string, FailedRun> failures;  // by run id; of runs that are not finished

  /// Error when the shard holds a row that another shard has with other bytes: the computation is not deterministic.
  /// Of its rows of pairs and layers only those columns must be there that key_columns() names.
  void add(Shard shard, const std::string& name);

 private:
  void compare(const std::string& name, const std::map<std::uint32_t, std::vector<std::string>>& again) const;
  void add_twins(std::vector<record::TwinRow>& rows);
  void add_groups(std::vector<record::DistanceRow>& rows);

  LoadShard load_;
};

/// The columns of pairs and layers that Collected keeps; all of the other tables.
[[nodiscard]] bool is_key_column(std::string_view table, std::string_view column);

}  // namespace unroll::store
