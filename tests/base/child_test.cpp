#include "unroll/base/child.hpp"

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"

namespace unroll {
namespace {

const ChildLimits kLimits{.wall_s = 20, .memory_bytes = std::uint64_t{256} << 20};

std::string refusal(const std::function<std::string()>& work, const ChildLimits& limits = kLimits) {
  try {
    (void)in_child("x.h5", limits, work);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("a child's result comes back whole, however long it is") {
  CHECK(in_child("x", kLimits, [] { return std::string(); }).empty());
  CHECK(in_child("x", kLimits, [] { return std::string(1'000'000, 'a'); }) == std::string(1'000'000, 'a'));
}

TEST_CASE("what a child throws is thrown here, of the same kind") {
  CHECK(refusal([]() -> std::string { throw UsageError("x.h5: no such dataset"); }) == "x.h5: no such dataset");
  CHECK_THROWS_WITH(in_child("x", kLimits, []() -> std::string { throw Error("disk"); }), "disk");
}

TEST_CASE("a crash in a child is a damaged file here") {
  const std::string expected = "x.h5: damaged file: reading it crashes";

  CHECK_THAT(refusal([]() -> std::string {
               kill(getpid(), SIGSEGV);
               return "after";
             }),
             Catch::StartsWith(expected));
  CHECK_THAT(refusal([]() -> std::string { std::abort(); }), Catch::StartsWith(expected));
  CHECK_THAT(refusal([]() -> std::string { _exit(0); }), Catch::StartsWith(expected));
  CHECK_THAT(refusal([]() -> std::string { _exit(3); }), Catch::StartsWith(expected));
}

TEST_CASE("a child that does not end is ended") {
  CHECK_THAT(refusal(
                 []() -> std::string {
                   for (;;) {
                     pause();
                   }
                 },
                 {.wall_s = 0.2, .memory_bytes = 0}),
             Catch::StartsWith("x.h5: damaged file: reading it takes more than 0.2"));
}

TEST_CASE("a child writes no file and prints nothing") {
  const TempFolder temp;
  const std::string path = temp / "written";

  const std::string written = in_child("x", kLimits, [&] {
    std::signal(SIGXFSZ, SIG_IGN);
    std::ofstream file(path);
    file << "text" << std::flush;
    return std::string(file ? "yes" : "no");
  });

  CHECK(written == "no");
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("a child that asks for memory without end is refused") {
  CHECK_THAT(refusal([]() -> std::string {
               std::vector<std::string> pieces;
               for (;;) {
                 pieces.emplace_back(std::size_t{16} << 20, 'x');
               }
             }),
             Catch::StartsWith("x.h5: damaged file: reading it takes more memory"));
}
#endif

}  // namespace
}  // namespace unroll
