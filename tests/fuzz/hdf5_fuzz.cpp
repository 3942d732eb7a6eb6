// HDF5 files of any bytes, as this process may be given them: a child walks each first, and this process reads what the
// child came through. Whatever it is, this process does not crash, and no row of a table is exported that is not the
// original's (seed.h5's): digests see to that.
#include <algorithm>
#include <sstream>

#include "input.hpp"
#include "unroll/base/error.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/hdf5/walk.hpp"
#include "unroll/store/check.hpp"
#include "unroll/store/export.hpp"

using namespace unroll;

namespace {

template <typename Action>
bool take(const Action& action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    const std::string message = error.what();
    fuzz::require(!message.empty() && message.find('\n') == std::string::npos, "a refusal is one line");
    return false;
  }
}

std::string exported(const std::string& path) {
  std::ostringstream out;
  store::export_table(path, "items", store::ExportFormat::csv, out);
  return out.str();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::string original;  // of the first file that is whole: a seed
  const fuzz::MemoryPath file(fuzz::as_text(data, size));
  const std::string path = file.path();

  if (take([&] { hdf5::walk_arrays(path); })) {
    take([&] { (void)hdf5::read_arrays(path); });
    return 0;
  }
  std::string rows;
  if (take([&] { rows = exported(path); })) {
    original = original.empty() ? rows : original;
    fuzz::require(rows == original, "rows that are exported are those that were written");
  }
  return 0;
}
