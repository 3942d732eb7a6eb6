#pragma once
// The rows of all shards of a folder, each run and each point of a curve once. A run is finished by whoever finished it
// first; a second time it must be the same bytes. The same holds for curves, which every part of a tree measures.
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shard.hpp"

namespace unroll::store {

struct RunRows {
  record::RunRow run;
  std::vector<record::PairRow> pairs;    // by ascending step
  std::vector<record::LayerRow> layers;  // by ascending step; those of one step as the network has them
};

using Curve = std::map<std::pair<std::string, std::int64_t>, record::CurveRow>;  // by measure_id and step

using Twin = std::map<std::int64_t, record::TwinRow>;  // by step

struct Collected {
  std::unordered_map<std::string, RunRows> runs;                             // by run id
  std::map<std::string, Twin> twins;                                         // by stage id of M
  std::unordered_map<std::string, std::vector<record::DistanceRow>> groups;  // by group id, as they were compared
  std::map<std::string, Curve> curves;                                       // by stage id of M
  std::vector<record::TelemetryRow> telemetry;

  /// Error when the shard holds a row that another shard has with other bytes: the computation is not deterministic.
  void add(Shard shard, const std::string& name);

 private:
  void add_twins(std::vector<record::TwinRow>& rows);
  void add_groups(std::vector<record::DistanceRow>& rows);
};

}  // namespace unroll::store
