#pragma once
// Weights that comparison groups still need: DIR/weights/kept/<writer>-<number>-<sha256>.h5, flat arrays of trainable
// parameters in the order of model::Layout, several models a file. A file is what its journal record says, or it is not
// there: whoever misses weights trains them again, to the same bytes.
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "unroll/hdf5/arrays.hpp"

namespace unroll::store {

/// What an array of a model's weights after so many steps is called: "<model id>.t<step>".
[[nodiscard]] std::string kept_name(const std::string& model_id, std::int64_t step);

struct KeptFile {
  std::string name;
  std::string digest;  // "size:sha256"
  std::vector<std::string> names;
};
/// DIR/weights/kept, what journals say was put there, and what of that is there; contents are not read.
[[nodiscard]] std::string kept_folder(const std::string& folder);
[[nodiscard]] std::vector<KeptFile> recorded_files(const std::string& folder);
[[nodiscard]] std::vector<KeptFile> kept_files(const std::string& folder);
/// "file digest name,name,...\n" for each, for other ranks; and back.
[[nodiscard]] std::string text_of(const std::vector<KeptFile>& files);
[[nodiscard]] std::vector<KeptFile> files_of(std::string_view text);
/// Its bytes are those that were committed.
[[nodiscard]] bool is_whole(const std::string& folder, const KeptFile& file);

/// Reads weights by name, each file verified once; the last files read stay in memory, up to 256 MB.
class KeptReader {
 public:
  /// files: as on the rank that listed them; a network file system may show them late here.
  KeptReader(std::string folder, std::vector<KeptFile> files);
  [[nodiscard]] bool holds(const std::string& name) const { return file_of_.contains(name); }
  /// Error when it is not there any more, or damaged.
  [[nodiscard]] const hdf5::Array& read(const std::string& name);

 private:
  struct Loaded {
    std::unordered_map<std::string, hdf5::Array> arrays;
  };
  const Loaded& load(std::size_t file);

  std::string folder_;
  std::vector<KeptFile> files_;
  std::unordered_map<std::string, std::size_t> file_of_;
  std::unordered_map<std::size_t, Loaded> loaded_;
  std::uint64_t loaded_bytes_ = 0;
};

/// Removes files that are not what was committed, so that what is trained again stands alone.
void remove_damaged(const std::string& folder, const std::vector<std::string>& files);

/// Removes the files, and what attempts that were killed left, none of whose names is needed; the folder too when it is
/// empty then. To be called when nobody writes there.
void remove_kept(const std::string& folder, const std::unordered_set<std::string>& needed);

}  // namespace unroll::store
