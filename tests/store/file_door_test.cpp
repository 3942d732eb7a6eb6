#include "unroll/store/file_door.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "faulty_door.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"

namespace unroll::store {
namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::size_t num_entries(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_CASE("a replaced file holds the new bytes and nothing else is left") {
  const TempFolder folder;
  FileDoor door;

  door.replace(folder / "file", "old and longer");
  door.replace(folder / "file", "new");

  CHECK(content(folder / "file") == "new");
  CHECK(num_entries(folder.str()) == 1);
}

TEST_CASE("whatever call fails, the old file stays, no temporary file is left and the error says why") {
  for (const Call call : {Call::open, Call::write, Call::fsync, Call::close, Call::rename}) {
    const TempFolder folder;
    FaultyDoor door;
    door.replace(folder / "file", "old");
    door.fail(call, ENOSPC);
    CAPTURE(static_cast<int>(call));

    CHECK_THROWS_WITH(door.replace(folder / "file", "new"), Catch::Contains("No space left on device"));

    CHECK(content(folder / "file") == "old");
    CHECK(num_entries(folder.str()) == 1);
  }
}

TEST_CASE("short writes are continued and interrupted ones repeated") {
  const TempFolder folder;
  FaultyDoor door;
  door.write_at_most = 3;

  door.replace(folder / "file", "0123456789");

  CHECK(content(folder / "file") == "0123456789");
}

TEST_CASE("folders are made with their parents, and none is left when one cannot be made") {
  const TempFolder folder;
  FaultyDoor door;

  CHECK(door.make_folders(folder / "a/b").size() == 2);
  CHECK(door.make_folders(folder / "a/b").empty());
  door.fail_mkdir_number(2, EROFS);
  CHECK_THROWS_WITH(door.make_folders(folder / "c/d/e"), Catch::Contains("Read-only file system"));
  CHECK(!std::filesystem::exists(folder / "c"));
}

/// Remembers which folders were forced to disk.
class SyncedDoor : public FileDoor {
 public:
  std::set<std::string> synced;

 protected:
  int system_open(const char* path, int flags, mode_t mode) override {
    opened_ = path;
    return FileDoor::system_open(path, flags, mode);
  }
  int system_fsync(int descriptor) override {
    synced.insert(opened_);
    return FileDoor::system_fsync(descriptor);
  }

 private:
  std::string opened_;
};

TEST_CASE("the name of a folder that was made is durable, and of one that somebody else made too") {
  const TempFolder folder;
  SyncedDoor door;

  door.make_folders(folder / "a/b");
  CHECK(door.synced == std::set<std::string>{folder.str(), folder / "a"});
  door.synced.clear();
  door.make_folders(folder / "a/b");
  CHECK(door.synced == std::set<std::string>{folder / "a"});
}

TEST_CASE("a folder below a file cannot be made") {
  const TempFolder folder;
  FileDoor door;
  door.replace(folder / "file", "x");

  CHECK_THROWS_WITH(door.make_folders(folder / "file/below"), Catch::Contains("Not a directory"));
  CHECK_THROWS_WITH(door.make_folders(folder / "file"), Catch::Contains("Not a directory"));
}

TEST_CASE("a created file is new") {
  const TempFolder folder;
  FileDoor door;
  const Descriptor file = door.create(folder / "log");
  door.append(file, folder / "log", "one\n");
  door.append(file, folder / "log", "two\n");

  CHECK(content(folder / "log") == "one\ntwo\n");
  try {
    (void)door.create(folder / "log");
    FAIL("created twice");
  } catch (const FileError& error) {
    CHECK(error.code() == EEXIST);
  }
}

}  // namespace
}  // namespace unroll::store
