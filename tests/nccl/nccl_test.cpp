#include "unroll/nccl/nccl.hpp"

#include <filesystem>

#include "support/catch.hpp"

using namespace unroll;

TEST_CASE("the library in this process is the one that LibTorch uses, and fits the header") {
  const nccl::Library library = nccl::library();

  CHECK(library.version >= nccl::header_version());
  CHECK(std::filesystem::weakly_canonical(library.path) == std::filesystem::weakly_canonical(UNROLL_LIBNCCL));
  CHECK(nccl::library_problem(std::vector<int>{library.version, library.version}).empty());
}

TEST_CASE("libraries that differ between ranks, or are older than the header, are a problem with both versions named") {
  CHECK_THAT(nccl::library_problem(std::vector<int>{22809, 22903}),
             Catch::Contains("rank 0 has NCCL 2.28.9") && Catch::Contains("rank 1 has 2.29.3"));
  CHECK_THAT(nccl::library_problem(std::vector<int>{21005}), Catch::Contains("NCCL 2.10.5 was loaded"));
  CHECK(nccl::library_problem(std::vector<int>{22809, 0}) == "NCCL does not start on rank 1");
}
