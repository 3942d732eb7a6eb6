#include "unroll/hdf5/walk.hpp"

#include <algorithm>

#include "table_read.hpp"
#include "unroll/base/child.hpp"
#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

// The next block of the grid of chunks; false after the last.
bool advance(std::vector<hsize_t>& start, const Dataset& dataset) {
  for (std::size_t i = start.size(); i-- > 0;) {
    start[i] += dataset.chunk[i];
    if (start[i] < static_cast<hsize_t>(dataset.shape[i])) {
      return true;
    }
    start[i] = 0;
  }
  return false;
}

// Every value once, a chunk at a time. What is not in chunks is not packed: its first and last values will do.
void unpack(const Dataset& dataset) {
  const std::size_t rank = dataset.shape.size();
  if (rank == 0 || dataset.declared_bytes() == 0) {
    return;
  }
  const bool is_chunked = !dataset.chunk.empty();
  const SpaceHandle space(check(H5Dget_space(dataset.handle.get())));
  std::vector<hsize_t> start(rank, 0), count(rank, 1);
  std::vector<char> values;
  const auto read_block = [&] {
    hsize_t size = 1;
    for (std::size_t i = 0; i < rank; ++i) {
      if (is_chunked) {
        count[i] = std::min(dataset.chunk[i], static_cast<hsize_t>(dataset.shape[i]) - start[i]);
      }
      size *= count[i];
    }
    values.resize(size * dataset.element_bytes);
    check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr));
    const SpaceHandle memory(
        check(H5Screate_simple(static_cast<int>(rank), count.data(), nullptr)));  // same shape: fast
    check(H5Dread(dataset.handle.get(), dataset.type.get(), memory.get(), space.get(), H5P_DEFAULT, values.data()));
  };
  read_block();
  if (!is_chunked) {
    std::transform(dataset.shape.begin(), dataset.shape.end(), start.begin(),
                   [](std::int64_t extent) { return static_cast<hsize_t>(extent - 1); });
    read_block();
    return;
  }
  while (advance(start, dataset)) {
    read_block();
  }
}

void look_at_array(const ReadFile& file, const std::string& name) {
  const Dataset dataset = open_root_dataset(file, name);
  file.declare(dataset, name);
  unpack(dataset);
}

void in_limited_child(const std::string& path, const std::function<void()>& look) {
  (void)in_child(path, limits_for(path), [&] {
    look();
    return std::string();
  });
}

}  // namespace

void look_at_arrays(const std::string& path, const std::vector<std::string>* names) {
  const ReadFile file(path);
  try {
    for (const std::string& name : names != nullptr ? *names : member_names(file.id())) {
      look_at_array(file, name);
    }
    for (const std::string& name : attribute_names(file.id())) {
      (void)read_text_attribute(file.id(), name);
    }
  } catch (const Error& error) {
    throw UsageError(path + ": " + error.what());
  }
}

void look_at_tables(const std::vector<std::byte>& image, const std::string& name) {
  (void)read_header(
      ReadFile(image, name), [](std::string_view, std::string_view) { return true; },
      [](const Dataset& dataset, const std::string&, const TableColumn&) { unpack(dataset); });
}

void look_at_tables(const std::string& path, const ColumnFilter& is_wanted) {
  (void)read_header(ReadFile(path), is_wanted,
                    [](const Dataset& dataset, const std::string&, const TableColumn&) { unpack(dataset); });
}

void walk_arrays(const std::string& path, const std::vector<std::string>& names) {
  in_limited_child(path, [&] { look_at_arrays(path, &names); });
}

void walk_arrays(const std::string& path) {
  in_limited_child(path, [&] { look_at_arrays(path, nullptr); });
}

void walk_tables(const std::string& path) {
  walk_tables(path, [](std::string_view, std::string_view) { return true; });
}

void walk_tables(const std::string& path, const ColumnFilter& is_wanted) {
  in_limited_child(path, [&] { look_at_tables(path, is_wanted); });
}

}  // namespace unroll::hdf5
