// The doctor on machines that are made up: what it finds wrong, and what it advises.
#include "doctor.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "control_group.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"

using namespace unroll;
using namespace unroll::app;

namespace {

// A rank of a machine with 4 cores of one hardware thread each.
Machine machine(int rank, std::set<int> cpus, const std::string& host = "node1") {
  Machine made;
  made.rank = rank;
  made.host = host;
  made.cpu_model = "A processor";
  made.cores = cpus;
  made.cpus = std::move(cpus);
  made.num_cpus = made.num_cores = 4;
  made.memory_bytes = 8'000'000'000;
  made.numerics_key = "isa=AVX2";
  return made;
}

Job job(std::vector<Machine> ranks, const std::string& launcher = "mpirun") {
  return {std::move(ranks), "unroll 0.1.0", launcher, "MULTIPLE", false, {}};
}

std::string found(const Job& seen, const std::optional<Needs>& needs = std::nullopt) {
  std::string text;
  for (const std::string& finding : findings(seen, needs)) {
    text += finding + "\n";
  }
  return text;
}

const std::set<int> kAll{0, 1, 2, 3};

}  // namespace

TEST_CASE("a rank a core, unbound or bound to its own, is right") {
  CHECK(found(job({machine(0, kAll)}, "")).empty());
  CHECK(found(job({machine(0, kAll), machine(1, kAll), machine(2, kAll), machine(3, kAll)})).empty());
  CHECK(found(job({machine(0, {0}), machine(1, {1})}, "srun")).empty());
}

TEST_CASE("ranks bound by mpirun are told of a second mpirun, which would bind to the same cores") {
  const std::string text = found(job({machine(0, {0}), machine(1, {1})}));

  CHECK_THAT(text, Catch::Contains("a second mpirun there binds its ranks to the same ones"));
  CHECK(found(job({machine(0, {0}), machine(1, {0})})).find("second") == std::string::npos);
}

TEST_CASE("ranks that mpirun bound to one core are named with the way out") {
  const std::string text = found(job({machine(0, {0}), machine(1, {0}), machine(2, {1})}));

  CHECK_THAT(text, Catch::Contains("ranks 0-1 (1 thread each) all run on core 0 of node1"));
  CHECK_THAT(text, Catch::Contains("mpirun --bind-to none"));
  CHECK(text.find("rank 2") == std::string::npos);
  CHECK_THAT(found(job({machine(0, {0}), machine(1, {0})}, "srun")), Catch::Contains("srun --cpus-per-task=1"));
}

TEST_CASE("ranks on cores of the same number of two machines share nothing") {
  CHECK(found(job({machine(0, {0}), machine(1, {0}, "node2")}, "srun")).empty());
}

TEST_CASE("more threads than a rank may use, and more ranks than cores, are named") {
  const Needs needs{"s.ini", 4, 1e9, true};

  CHECK_THAT(found(job({machine(0, {2})}), needs), Catch::Contains("rank 0 has 4 threads, but may run only on core 2"));
  CHECK_THAT(found(job({machine(0, kAll), machine(1, kAll)}), needs), Catch::Contains("ranks 0-1 (4 threads each)"));
  Job crowded = job({});
  for (int rank = 0; rank < 6; ++rank) {
    crowded.ranks.push_back(machine(rank, kAll));
  }
  CHECK_THAT(found(crowded), Catch::Contains("ranks 0-5 (1 thread each) all run on cores 0-3 of node1") &&
                                 Catch::Contains("start fewer ranks"));
}

TEST_CASE("a control group that grants less than the cores is named, and limits the advice") {
  Job limited = job({machine(0, kAll)}, "");
  limited.ranks[0].cpu_limit = 2.5;
  CHECK_THAT(found(limited), Catch::Contains("shows 4 hardware threads") && Catch::Contains("time of 2.5 cores"));
  CHECK(rooms(limited, std::nullopt).front().ranks() == 2);

  limited.ranks = {machine(0, kAll), machine(1, kAll), machine(2, kAll)};
  for (Machine& rank : limited.ranks) {
    rank.cpu_limit = 2;
  }
  CHECK_THAT(found(limited), Catch::Contains("stopped again and again: start 2 ranks"));
}

TEST_CASE("variables that do nothing, or harm, are named") {
  Job two = job({machine(0, kAll), machine(1, kAll)});
  for (Machine& rank : two.ranks) {
    rank.variables = {"OMP_NUM_THREADS=8", "OMP_PROC_BIND=true", "OMP_THREAD_LIMIT=1"};
  }
  const std::string text = found(two, Needs{"s.ini", 2, 1e9, true});

  CHECK_THAT(text, Catch::Contains("OMP_NUM_THREADS=8 has no effect: run.threads decides (2 here)"));
  CHECK_THAT(text, Catch::Contains("OMP_PROC_BIND=true can put the threads of all ranks"));
  CHECK_THAT(text, Catch::Contains("OMP_THREAD_LIMIT=1 is below run.threads = 2"));
  two.ranks.pop_back();
  two.ranks[0].variables = {"OMP_NUM_THREADS=1", "OMP_PROC_BIND=true"};
  CHECK(found(two).empty());
}

TEST_CASE("unlike machines, too little memory and an MPI without threads are named") {
  Job unlike = job({machine(0, kAll), machine(1, kAll, "node2")});
  unlike.ranks[1].numerics_key = "isa=AVX512";
  CHECK_THAT(found(unlike), Catch::Contains("rank 1 on node2 computes other bits than rank 0 on node1"));

  const Job two = job({machine(0, kAll), machine(1, kAll)});
  CHECK_THAT(found(two, Needs{"s.ini", 1, 5e9, false}), Catch::Contains("needs about 5 GB, but has 4 GB on node1"));
  CHECK(rooms(two, Needs{"s.ini", 1, 5e9, false}).front().ranks() == 1);

  Job single = job({machine(0, kAll)});
  single.thread_level = "SINGLE";
  CHECK_THAT(found(single), Catch::Contains("MPI_THREAD_SINGLE"));
}

TEST_CASE("the advice is a rank a core: of the machine where mpirun bound the ranks, of what is allowed elsewhere") {
  CHECK(rooms(job({machine(0, {0}), machine(1, {1})}), std::nullopt).front().ranks() == 4);
  CHECK(rooms(job({machine(0, {0, 1})}, ""), std::nullopt).front().ranks() == 2);
  CHECK(rooms(job({machine(0, {0}), machine(1, {1})}, "srun"), std::nullopt).front().ranks() == 2);
  Job twins = job({machine(0, kAll)}, "");
  twins.ranks[0].cores = {0, 1};  // two hardware threads each
  CHECK(rooms(twins, std::nullopt).front().ranks() == 2);
}

TEST_CASE("what the doctor prints fits 80 columns and names the command to start") {
  Job seen = job({machine(0, {0}), machine(1, {0}), machine(2, kAll, "node2")});
  seen.ranks[0].variables = {"OMP_NUM_THREADS=8", "KMP_AFFINITY=granularity=fine,compact,1,0"};
  const Timing timing{"resnet18, batch 32", 4, 8, 6};

  const std::string text = doctor_text(seen, Needs{"s.ini", 1, 2e9, true}, timing, 80);

  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.size() <= 80);
  }
  CHECK_THAT(text, Catch::EndsWith("start\nmpirun -n 8 --bind-to none unroll run s.ini --output DIR\n"));
  CHECK_THAT(text, Catch::Contains("8 steps a second") && Catch::Contains("run.threads = 1"));
  CHECK_THAT(doctor_text(job({machine(0, kAll)}, ""), std::nullopt, std::nullopt, 80),
             Catch::Contains("wrong     nothing was found"));
}

TEST_CASE("what a rank says of its machine reads back, and junk is an error") {
  Machine made = this_machine(3);
  made.numerics_key = "isa=AVX2;threads=1";
  made.variables = {"OMP_NUM_THREADS=8", "KMP_AFFINITY=granularity=fine compact"};
  const std::string text = encode(made);

  CHECK(encode(decode_machine(text)) == text);
  CHECK(decode_machine(text).cpus == made.cpus);
  CHECK(made.num_cpus >= std::ssize(made.cores));
  CHECK_THROWS_AS(decode_machine("cpu one\n"), Error);
  CHECK_THROWS_AS(decode_machine("colour red\n"), Error);
}

TEST_CASE("numbers that follow each other are a range") {
  CHECK(ranges({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8");
  CHECK(ranges({4}) == "4");
  CHECK(ranges({}) == "none");
}

TEST_CASE("doctor tells of GPUs that ranks share or do not see, and only where there are any") {
  const auto gpu = [](int number) {
    return "GPU " + std::to_string(number) + ": NVIDIA H100, 80 GiB, GPU-" + std::to_string(number) +
           "a, 50 GB/s from the host";
  };
  Job seen = job({machine(0, kAll), machine(1, kAll), machine(2, kAll)});
  CHECK_THAT(doctor_text(seen, std::nullopt, std::nullopt, 200), !Catch::Contains("GPU"));
  for (Machine& rank : seen.ranks) {
    rank.gpus = {"driver 13000, runtime 13000, cuDNN 91900, NCCL 22809", gpu(0), gpu(1)};
    rank = decode_machine(encode(rank));
  }
  const auto shared = doctor_text(seen, std::nullopt, std::nullopt, 200);
  CHECK_THAT(shared, Catch::Contains("rank 0 sees GPU 0: NVIDIA H100, 80 GiB"));
  CHECK_THAT(shared, Catch::Contains("3 ranks share 2 GPUs on"));

  seen.ranks[1].gpus.clear();
  CHECK_THAT(doctor_text(seen, std::nullopt, std::nullopt, 200),
             Catch::Contains("rank 1 on") && Catch::Contains("sees no GPU and others do"));
}

TEST_CASE("the time that a control group grants is read in both versions, parents included") {
  const auto write = [](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  };
  const TempFolder v2, v1, none;
  write(v2 / "proc/self/cgroup", "0::/job/step\n");
  write(v2 / "sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
  write(v2 / "sys/fs/cgroup/job/cpu.max", "250000 100000\n");
  write(v1 / "proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/job\n");
  write(v1 / "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "150000\n");
  write(v1 / "sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  write(v1 / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");

  CHECK(control_group_cpus(v2.str()) == 2.5);
  CHECK(control_group_cpus(v1.str()) == 1.5);
  CHECK(control_group_cpus(none.str()) == 0);
}
