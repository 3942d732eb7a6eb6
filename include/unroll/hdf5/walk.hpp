#pragma once
// A first look at a file from anybody, taken by a child process (base/child.hpp) before this one opens it: links,
// types, shapes and sizes of all that would be read are checked, and whatever is packed is unpacked once, chunk by
// chunk. libhdf5 itself crashes on some damaged files; then the child does, and this process says so. UsageError on one
// line: what the checks of arrays.hpp say, or "PATH: damaged file: ...".
#include <cstddef>
#include <string>
#include <vector>

#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {

/// For read_arrays: the named root datasets, or all of them.
void walk_arrays(const std::string& path, const std::vector<std::string>& names);
void walk_arrays(const std::string& path);
/// For TableReader, and for read_tables: its columns that are wanted.
void walk_tables(const std::string& path);
void walk_tables(const std::string& path, const ColumnFilter& is_wanted);

/// The same in this process, for use in a child that does more.
void look_at_arrays(const std::string& path, const std::vector<std::string>* names);
void look_at_tables(const std::string& path, const ColumnFilter& is_wanted);
void look_at_tables(const std::vector<std::byte>& image, const std::string& name);

}  // namespace unroll::hdf5
