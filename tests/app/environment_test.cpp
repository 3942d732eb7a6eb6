// What the program learns of the machine: LibTorch, memory, ranks, the output folder.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "control_group.hpp"
#include "failure.hpp"
#include "libtorch.hpp"
#include "memory.hpp"
#include "output_folder.hpp"
#include "ranks.hpp"
#include "support/catch.hpp"
#include "unroll/base/error.hpp"

namespace fs = std::filesystem;
using unroll::UsageError;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "unroll-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw unroll::Error(name + ": cannot be made");
    }
    path_ = name;
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  [[nodiscard]] auto num_entries() const {
    return std::distance(fs::recursive_directory_iterator(path_), fs::recursive_directory_iterator());
  }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("LibTorch is known by its library, and its release by the wheel or the archive") {
  const TemporaryFolder folder;
  folder.write("wheel/lib/libtorch_cpu.so", "");
  folder.write("wheel/version.py", "from typing import Optional\n__version__ = '2.11.0+cu130'\ndebug = False\n");
  folder.write("archive/lib/libtorch_cpu.so", "");
  folder.write("archive/build-version", "2.11.0+cpu\n");

  CHECK(unroll::app::libtorch_in(folder / "wheel")->version == "2.11.0+cu130");
  CHECK(unroll::app::libtorch_in(folder / "archive")->version == "2.11.0+cpu");
  CHECK_FALSE(unroll::app::libtorch_in(folder / "nothing"));
  CHECK_FALSE(unroll::app::libtorch_in(""));
}

TEST_CASE("UNROLL_TORCH that is no LibTorch, or another release, is refused with its value") {
  const TemporaryFolder folder;
  folder.write("other/lib/libtorch_cpu.so", "");
  folder.write("other/version.py", "__version__ = '1.0.0'\n");

  setenv("UNROLL_TORCH", (folder / "empty").c_str(), 1);
  CHECK_THROWS_WITH(unroll::app::find_libtorch(), Catch::Contains("UNROLL_TORCH = " + (folder / "empty")));
  setenv("UNROLL_TORCH", (folder / "other").c_str(), 1);
  CHECK_THROWS_WITH(unroll::app::find_libtorch(), Catch::Contains("LibTorch 1.0.0"));
  unsetenv("UNROLL_TORCH");
}

TEST_CASE("the smallest memory limit of a control group and its parents holds") {
  const TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/job/step\n");
  root.write("sys/fs/cgroup/job/step/memory.max", "max\n");
  root.write("sys/fs/cgroup/job/memory.max", "5000\n");
  root.write("sys/fs/cgroup/memory.max", "9000\n");

  CHECK(unroll::app::control_group_limit_bytes(root / "") == 5000);
}

TEST_CASE("version 1 control groups are read, and no group means no limit") {
  const TemporaryFolder root, empty;
  root.write("proc/self/cgroup", "12:cpu:/x\n5:memory:/job\n");
  root.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "7000\n");

  CHECK(unroll::app::control_group_limit_bytes(root / "") == 7000);
  CHECK(unroll::app::control_group_limit_bytes(empty / "") == 0);
  CHECK(unroll::app::memory_per_rank_bytes() > 1'000'000);
}

TEST_CASE("ranks come from the launcher's environment") {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
                           "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE"}) {
    unsetenv(name);
  }
  setenv("SLURM_PROCID", "3", 1);
  setenv("SLURM_STEP_TASKS_PER_NODE", "4(x2)", 1);
  CHECK(unroll::app::launched_rank() == 3);
  CHECK(unroll::app::ranks_on_node() == 4);

  setenv("OMPI_COMM_WORLD_RANK", "1", 1);
  setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "junk", 1);
  CHECK(unroll::app::launched_rank() == 1);
  CHECK(unroll::app::ranks_on_node() == 4);

  for (const char* name :
       {"SLURM_PROCID", "SLURM_STEP_TASKS_PER_NODE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"}) {
    unsetenv(name);
  }
  CHECK(unroll::app::launched_rank() == 0);
  CHECK(unroll::app::ranks_on_node() == 1);
}

TEST_CASE("of an error with a backtrace only its first line is said") {
  CHECK(unroll::app::first_line("mat1 and mat2 differ\nException raised from f at x.cpp:1\n#0 g") ==
        "mat1 and mat2 differ");
  CHECK(unroll::app::first_line("one line") == "one line");
  CHECK(unroll::app::first_line("").empty());
}

TEST_CASE("an output folder that can be made passes, and nothing is left behind") {
  const TemporaryFolder folder;

  unroll::app::check_output_folder(folder / "a/b/c");
  unroll::app::check_output_folder(folder / "");

  CHECK(folder.num_entries() == 0);
}

TEST_CASE("an output folder below a file, on a dead link or without a name is refused") {
  const TemporaryFolder folder;
  folder.write("file", "text");
  fs::create_symlink("nowhere", folder / "link");

  CHECK_THROWS_WITH(unroll::app::check_output_folder(folder / "file"), Catch::Contains("is a file"));
  CHECK_THROWS_WITH(unroll::app::check_output_folder(folder / "file/x/y"), Catch::Contains("is a file"));
  CHECK_THROWS_WITH(unroll::app::check_output_folder(folder / "link/x"), Catch::Contains("link to nothing"));
  CHECK_THROWS_AS(unroll::app::check_output_folder(folder / std::string(300, 'x')), UsageError);
  CHECK_THROWS_AS(unroll::app::check_output_folder(""), UsageError);
  CHECK_THROWS_AS(unroll::app::check_output_folder("/proc/unroll"), UsageError);
  CHECK(folder.num_entries() == 2);
}

TEST_CASE("a cache folder need only be readable, or such that it can be made") {
  const TemporaryFolder folder;
  folder.write("file", "text");

  unroll::app::check_cache_folder(folder / "");
  unroll::app::check_cache_folder(folder / "new/below");
  unroll::app::check_cache_folder("/proc");  // read-only

  CHECK_THROWS_WITH(unroll::app::check_cache_folder(folder / "file"),
                    Catch::Contains("--cache") && Catch::Contains("is a file"));
  CHECK_THROWS_WITH(unroll::app::check_cache_folder("/proc/unroll"), Catch::Contains("--cache = /proc/unroll"));
  CHECK_THROWS_AS(unroll::app::check_cache_folder(""), UsageError);
  CHECK(folder.num_entries() == 1);
}
