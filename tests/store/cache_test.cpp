// The stage cache against damage, foreign entries, other writers and readers, and folders that refuse.
#include "unroll/store/cache.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "faulty_door.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNumerics = "torch=2.11.0;isa=AVX2;threads=1";

hdf5::ArrayFile stage(unsigned char value, std::int64_t size = 8) {
  return {
      {{"fc.bias", hdf5::ElementType::uint8, {size}, std::vector(static_cast<std::size_t>(size), std::byte{value})}},
      {{"stage", "pretraining"}}};
}

bool same(const std::optional<hdf5::ArrayFile>& a, const hdf5::ArrayFile& b) {
  return a && hdf5::to_image(*a) == hdf5::to_image(b);
}

struct Fixture {
  TempFolder temp;
  std::string folder = temp / "cache";
  std::vector<std::string> notices;

  StageCache cache(std::uint64_t limit_bytes = 1'000'000, const std::string& numerics = kNumerics,
                   std::unique_ptr<FileDoor> door = std::make_unique<FileDoor>()) {
    StageCache made(
        {folder, limit_bytes}, numerics, [this](const std::string& line) { notices.push_back(line); }, std::move(door));
    made.open();
    return made;
  }
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(folder)) {
      paths.push_back(entry.path());
    }
    return paths;
  }
  /// The one file of the folder.
  [[nodiscard]] fs::path entry() const {
    REQUIRE(files().size() == 1);
    return files().front();
  }
};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// Seconds ago that a file was last used.
void age(const fs::path& path, int seconds) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(seconds));
}

TEST_CASE("a kept stage is found by the next study, and only with the same id and numerics") {
  Fixture f;
  f.cache().keep("aa", stage(1));

  CHECK(same(f.cache().find("aa"), stage(1)));
  CHECK(!f.cache().find("ab"));
  CHECK(!f.cache(1'000'000, "torch=2.11.0;isa=AVX512;threads=1").find("aa"));
  CHECK(f.notices.empty());
}

TEST_CASE("any flipped bit of an entry is met by one line and a removed file") {
  Fixture f;
  StageCache cache = f.cache();
  cache.keep("aa", stage(1));
  const fs::path path = f.entry();
  const std::string good = content(path);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    write(path, bad);
    f.notices.clear();

    const auto found = cache.find("aa");

    CAPTURE(at, f.notices);
    REQUIRE(!found);
    REQUIRE(f.notices.size() == 1);
    REQUIRE(f.notices[0].find('\n') == std::string::npos);
    REQUIRE(f.notices[0].find(path.filename().string()) != std::string::npos);
    REQUIRE(!fs::exists(path));
  }
  cache.keep("aa", stage(1));
  CHECK(content(path) == good);
}

TEST_CASE("an entry torn at any place, or longer than it says, is not used") {
  Fixture f;
  StageCache cache = f.cache();
  cache.keep("aa", stage(1));
  const fs::path path = f.entry();
  const std::string good = content(path);
  for (std::size_t size = 0; size < good.size(); ++size) {
    write(path, good.substr(0, size));
    REQUIRE(!cache.find("aa"));
  }
  write(path, good + "x");
  CHECK(!cache.find("aa"));
  CHECK(f.notices.size() == good.size() + 1);
}

TEST_CASE("an entry of another stage or of other numerics under this name is foreign") {
  Fixture f;
  f.cache().keep("aa", stage(1));
  const fs::path path = f.entry();
  const std::string good = content(path);
  fs::remove(path);
  f.cache().keep("ab", stage(2));
  fs::rename(f.entry(), path);
  CHECK(!f.cache().find("aa"));

  f.cache(1'000'000, "other numerics").keep("aa", stage(3));
  fs::rename(f.entry(), path);
  CHECK(!f.cache().find("aa"));
  CHECK(f.notices.size() == 2);
  CHECK_THAT(f.notices[0], Catch::Contains("not an entry of this stage"));
}

TEST_CASE("an entry whose bytes are right but hold no arrays is removed") {
  Fixture f;
  f.cache().keep("aa", stage(1));
  const fs::path path = f.entry();
  const std::string good = content(path), head = good.substr(0, good.find("bytes "));
  write(path, head + "bytes 4 " + sha256("junk") + "\njunk");

  CHECK(!f.cache().find("aa"));
  CHECK(f.notices.size() == 1);
  CHECK(!fs::exists(path));
}

TEST_CASE("a folder or a device in an entry's place is no entry") {
  Fixture f;
  f.cache().keep("aa", stage(1));
  const fs::path path = f.entry();
  fs::remove(path);
  fs::create_directories(path / "below");

  CHECK(!f.cache().find("aa"));
  CHECK_THAT(f.notices.at(0), Catch::Contains("cannot be removed either"));
  fs::remove_all(path);
  fs::create_symlink("/dev/zero", path);
  CHECK(!f.cache().find("aa"));
}

TEST_CASE("a stage that does not fit its model is named and removed") {
  Fixture f;
  StageCache cache = f.cache();
  cache.keep("aa", stage(1));

  cache.reject("aa", "fc.bias has another shape");

  CHECK_THAT(f.notices.at(0), Catch::Contains("fc.bias has another shape"));
  CHECK(f.files().empty());
}

TEST_CASE("the least recently used entries make room, and the limit holds") {
  Fixture f;
  f.cache().keep("0", stage(0, 1000));
  const std::uint64_t size = fs::file_size(f.entry());
  StageCache cache = f.cache(3 * size + size / 2);
  for (const char* id : {"1", "2"}) {
    cache.keep(id, stage(0, 1000));
  }
  for (const fs::path& path : f.files()) {
    age(path, 1000);
  }
  REQUIRE(cache.find("0"));  // used now

  cache.keep("3", stage(0, 1000));
  cache.keep("4", stage(0, 1000));

  CHECK(f.files().size() == 3);
  CHECK(cache.find("0"));
  CHECK(cache.find("3"));
  CHECK(cache.find("4"));
  CHECK(!cache.find("1"));
  CHECK(f.notices.empty());
}

TEST_CASE("a smaller limit is enforced at the next start, and what others wrote counts") {
  Fixture f;
  StageCache first = f.cache();
  first.keep("0", stage(0, 1000));
  const std::uint64_t size = fs::file_size(f.entry());
  StageCache second = f.cache(2 * size);
  second.keep("1", stage(0, 1000));
  first.keep("2", stage(0, 1000));
  second.keep("3", stage(0, 1000));
  CHECK(f.files().size() == 2);

  (void)f.cache(size);
  CHECK(f.files().size() == 1);
}

TEST_CASE("of many small entries a few more go than must") {
  Fixture f;
  f.cache().keep("0", stage(0));
  const std::uint64_t size = fs::file_size(f.entry());
  StageCache cache = f.cache(1200 * size);
  const std::string good = content(f.entry());
  for (int i = 0; i < 1200; ++i) {
    const std::string name = std::to_string(10'000 + i);
    write(f.folder + "/" + std::string(64 - name.size(), 'a') + name + ".stage", good);
  }
  (void)f.cache(1200 * size);

  CHECK(f.files().size() < 1130);
  CHECK(f.files().size() > 1100);
}

TEST_CASE("a stage larger than the limit is not kept and empties nothing") {
  Fixture f;
  f.cache().keep("small", stage(1));
  StageCache cache = f.cache(fs::file_size(f.entry()) + 100);

  cache.keep("large", stage(2, 100'000));
  cache.keep("larger", stage(2, 200'000));

  CHECK(cache.find("small"));
  REQUIRE(f.notices.size() == 1);
  CHECK_THAT(f.notices[0], Catch::Contains("--cache-limit"));
}

TEST_CASE("temporary files of dead writers go, those of living ones and files of others stay") {
  Fixture f;
  (void)f.cache();
  const std::string name = std::string(64, 'a') + ".stage";
  write(f.folder + "/.tmp-1-1-" + name, "dead");
  write(f.folder + "/.tmp-2-2-" + name, std::string(5000, 'x'));
  write(f.folder + "/notes.txt", std::string(5000, 'x'));
  age(f.folder + "/.tmp-1-1-" + name, 2 * 24 * 3600);

  (void)f.cache(1000);

  CHECK(!fs::exists(f.folder + "/.tmp-1-1-" + name));
  CHECK(f.files().size() == 2);
}

TEST_CASE("a read-only folder is said once, by open, and still read") {
  Fixture f;
  f.cache().keep("aa", stage(1));
  auto door = std::make_unique<FaultyDoor>();
  door->fail(Call::open, EROFS);
  StageCache cache = f.cache(1'000'000, kNumerics, std::move(door));

  cache.keep("ab", stage(2));

  REQUIRE(f.notices.size() == 1);
  CHECK_THAT(f.notices[0], Catch::Contains("Read-only file system") && Catch::Contains("--cache " + f.folder));
  CHECK(same(cache.find("aa"), stage(1)));
}

TEST_CASE("whatever call fails, a full folder costs one notice, no exception, and leaves nothing half written") {
  for (const Call call : {Call::open, Call::write, Call::fsync, Call::close, Call::rename}) {
    Fixture f;
    auto owned = std::make_unique<FaultyDoor>();
    FaultyDoor& door = *owned;
    StageCache cache = f.cache(1'000'000, kNumerics, std::move(owned));
    cache.keep("aa", stage(1));
    door.fail(call, ENOSPC);
    CAPTURE(static_cast<int>(call));

    cache.keep("ab", stage(2));
    cache.keep("ac", stage(3));

    REQUIRE(f.notices.size() == 1);
    CHECK_THAT(f.notices[0], Catch::Contains("No space left on device"));
    CHECK(f.files().size() == 1);
    CHECK(same(cache.find("aa"), stage(1)));
  }
}

TEST_CASE("a folder that is removed while it is used is no error") {
  Fixture f;
  StageCache cache = f.cache();
  fs::remove_all(f.folder);

  CHECK(!cache.find("aa"));
  cache.keep("aa", stage(1));
  cache.keep("ab", stage(1));
  CHECK(f.notices.size() == 1);
}

// A process that writes and reads the same few entries as its siblings, under a limit of two of them; its exit code
// says what went wrong.
int use_with_others(const std::string& folder, std::uint64_t limit_bytes) {
  bool was_noticed = false, was_wrong = false;
  std::size_t num_found = 0;
  StageCache cache({folder, limit_bytes}, kNumerics, [&](const std::string&) { was_noticed = true; });
  cache.open();
  for (int round = 0; round < 200; ++round) {
    const auto value = static_cast<unsigned char>(round % 3);
    const std::string id = std::to_string(value);
    if (const auto found = cache.find(id)) {
      ++num_found;
      was_wrong = was_wrong || !same(found, stage(value, 3000));
    } else {
      cache.keep(id, stage(value, 3000));
    }
  }
  return was_wrong ? 1 : was_noticed ? 2 : num_found == 0 ? 3 : 0;
}

TEST_CASE("processes that write, read and evict the same entries at once see whole entries or none") {
  Fixture f;
  f.cache().keep("0", stage(0, 3000));
  const std::uint64_t limit_bytes = 2 * fs::file_size(f.entry()) + 100;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(fork());
    if (children.back() == 0) {
      _exit(use_with_others(f.folder, limit_bytes));
    }
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  f.cache(limit_bytes);
  CHECK(f.files().size() <= 2);
}

}  // namespace
}  // namespace unroll::store
