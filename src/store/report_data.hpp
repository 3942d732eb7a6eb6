#pragma once
// A results.h5 as the report sees it: typed columns by name, and the rows of each cell and step.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/hdf5/tables.hpp"

namespace unroll::store {

class Results {
 public:
  using PairFilter = std::function<bool(std::string_view column)>;
  /// Reads /cells, what counts runs, and the wanted columns of /pairs. UsageError when it is no results file of a
  /// version that is known.
  Results(const std::string& path, const PairFilter& is_wanted);

  using Reals = std::vector<double>;
  using Integers = std::vector<std::int64_t>;
  using Texts = std::vector<std::string>;
  /// UsageError when the table or column is not there or of another type.
  [[nodiscard]] const Reals& reals(const std::string& table, const std::string& column) const;
  [[nodiscard]] const Integers& integers(const std::string& table, const std::string& column) const;
  [[nodiscard]] const Texts& texts(const std::string& table, const std::string& column) const;

  [[nodiscard]] const hdf5::TableFile& file() const { return file_; }
  /// "lr = 0.01, index = 10": the keys that act here and differ between cells; "" for a single cell.
  [[nodiscard]] std::string cell_title(std::size_t cell) const;
  /// The same as columns: short names of those keys, and what a cell has of each ("-" where it does not act).
  [[nodiscard]] std::vector<std::string> axis_names() const;
  [[nodiscard]] std::vector<std::string> axis_values(std::size_t cell) const;
  /// Whether a row of /pairs is below its noise floor, as /floors says: it stays out of correlations.
  [[nodiscard]] bool is_below_floor(std::size_t row) const { return !below_.empty() && below_[row]; }
  [[nodiscard]] std::size_t num_cells() const { return num_cells_; }
  /// Rows of /pairs by cell and step.
  [[nodiscard]] const std::map<std::int64_t, std::map<std::int64_t, std::vector<std::size_t>>>& rows() const {
    return rows_;
  }

 private:
  template <typename Values>
  const Values& values(const std::string& table, const std::string& column) const;

  std::string path_;
  hdf5::TableFile file_;
  std::size_t num_cells_ = 0;
  std::vector<bool> below_;  // by row of /pairs; empty without /floors
  std::vector<const hdf5::TableColumn*> axes_;
  std::map<std::int64_t, std::map<std::int64_t, std::vector<std::size_t>>> rows_;
};

}  // namespace unroll::store
