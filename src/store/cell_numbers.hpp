#pragma once
// The numbers of cells in rows of shards. A shard that was written for an earlier plan, before the study was extended,
// has that plan's.
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "shard.hpp"
#include "unroll/hdf5/tables.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::store {

class CellNumbers {
 public:
  /// The plan outlives it.
  explicit CellNumbers(const plan::Plan& plan);
  /// Makes them those of the plan.
  void correct(Shard& shard) const;
  /// In tables that hold the columns run_id and cell.
  void correct(hdf5::TableFile& shard) const;

 private:
  [[nodiscard]] std::int64_t number(const std::string& run_id, std::int64_t otherwise) const;

  const plan::Plan& plan_;
  mutable std::unordered_map<std::string_view, std::int64_t> of_run_;  // filled when it is asked for
};

}  // namespace unroll::store
