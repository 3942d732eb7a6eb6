#pragma once
// Rows of many shards as columns of one table, a batch of columns at a time: every shard is read once a batch, and no
// more than a batch is in memory.
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "collected.hpp"
#include "unroll/hdf5/table_stream.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::store {

/// The columns that are wanted of a shard, by its name.
using LoadColumns = std::function<hdf5::TableFile(const std::string& shard, const hdf5::ColumnFilter& is_wanted)>;

/// A table whose row i is the row at places[i] of the shards' table of the same name, each column with its digest.
void write_pairs(hdf5::TableStream& out, const std::vector<RowPlace>& places, const std::vector<std::string>& shards,
                 const LoadColumns& load);
void write_layers(hdf5::TableStream& out, const std::vector<RowPlace>& places, const std::vector<std::string>& shards,
                  const LoadColumns& load);

}  // namespace unroll::store
