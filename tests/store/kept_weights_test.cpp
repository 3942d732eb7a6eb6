// Weights that wait for their groups: kept whole or not at all, and gone when nobody needs them.
#include "unroll/store/kept_weights.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

#include "example.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"

namespace unroll::store {
namespace {

hdf5::Array weights(const std::string& model, std::int64_t step, float value) {
  hdf5::Array array{kept_name(model, step), hdf5::ElementType::float32, {3}, std::vector<std::byte>(12)};
  const float values[] = {value, value, value};
  std::memcpy(array.bytes.data(), values, sizeof values);
  return array;
}

struct Folder {
  TempFolder temp;
  std::string path = temp / "out";
  Identity owner;

  Folder() {
    const auto study = example::study();
    owner = example::identity(study, example::plan(study));
    prepare(path, owner);
  }
  Writer writer(int rank = 0) const { return {path, rank, owner.numerics_key}; }
};

TEST_CASE("weights that are committed are found, finished and read back") {
  const Folder folder;
  auto writer = folder.writer();
  writer.commit_weights({weights("a", 10, 1), weights("b", 10, 2)});
  writer.commit_weights({weights("a", 20, 3)});

  KeptReader reader(folder.path, kept_files(folder.path));

  CHECK(finished(folder.path).weights == std::unordered_set<std::string>{"a.t10", "b.t10", "a.t20"});
  CHECK(reader.holds("b.t10"));
  CHECK_FALSE(reader.holds("b.t20"));
  CHECK(reader.read("a.t20").bytes == weights("a", 20, 3).bytes);
  CHECK(reader.read("b.t10").bytes == weights("b", 10, 2).bytes);
}

TEST_CASE("a damaged file of weights is not finished") {
  const Folder folder;
  folder.writer().commit_weights({weights("a", 10, 1)});
  const auto file = kept_folder(folder.path) + '/' + kept_files(folder.path).at(0).name;
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(100).put('x');

  CHECK(finished(folder.path).weights.empty());
  CHECK(finished(folder.path).damaged_weights.size() == 1);
  remove_damaged(folder.path, finished(folder.path).damaged_weights);
  CHECK(kept_files(folder.path).empty());
}

TEST_CASE("weights that a journal names and its file does not hold are named") {
  const Folder folder;
  folder.writer().commit_weights({weights("a", 10, 1)});
  auto files = kept_files(folder.path);
  files.at(0).names.push_back("b.t10");

  KeptReader reader(folder.path, files);

  CHECK(reader.read("a.t10").bytes == weights("a", 10, 1).bytes);
  CHECK_THROWS_WITH(reader.read("b.t10"), Catch::StartsWith(kept_folder(folder.path) + '/' + files[0].name) &&
                                              Catch::Contains("does not hold the weights b.t10"));
}

TEST_CASE("files go when none of their weights is needed, and what a killed attempt left goes too") {
  const Folder folder;
  auto writer = folder.writer();
  writer.commit_weights({weights("a", 10, 1), weights("b", 10, 2)});
  writer.commit_weights({weights("c", 10, 3)});
  std::ofstream(kept_folder(folder.path) + "/.tmp-left") << "torn";

  remove_kept(folder.path, {"b.t10"});
  CHECK(kept_files(folder.path).size() == 1);
  CHECK_FALSE(std::filesystem::exists(kept_folder(folder.path) + "/.tmp-left"));

  remove_kept(folder.path, {});
  CHECK(kept_files(folder.path).empty());
  CHECK_FALSE(std::filesystem::exists(folder.path + "/weights"));
}

TEST_CASE("weights that a user asked for stay when kept ones go") {
  const Folder folder;
  auto writer = folder.writer();
  writer.write_arrays("weights/original.h5", {{weights("a", 10, 1)}, {}});
  writer.commit_weights({weights("a", 10, 1)});

  remove_kept(folder.path, {});

  CHECK(std::filesystem::exists(folder.path + "/weights/original.h5"));
  CHECK_FALSE(std::filesystem::exists(kept_folder(folder.path)));
}

TEST_CASE("a compared group is finished, with its journal and without") {
  const Folder folder;
  record::TreeRecord record;
  record.distances.resize(3);
  record.distances[0].group_id = record.distances[1].group_id = "first";
  record.distances[2].group_id = "second";
  folder.writer().commit(std::span(&record, 1), {});

  CHECK(finished(folder.path).runs == std::unordered_set<std::string>{"first", "second"});
  std::filesystem::remove_all(folder.path + "/journal");
  CHECK(finished(folder.path).runs == std::unordered_set<std::string>{"first", "second"});
}

}  // namespace
}  // namespace unroll::store
