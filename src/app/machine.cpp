#include "machine.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

#include "control_group.hpp"
#include "memory.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

constexpr std::array kVariables = {"OMP_NUM_THREADS",    "OMP_THREAD_LIMIT",    "OMP_PROC_BIND",      "OMP_PLACES",
                                   "GOMP_CPU_AFFINITY",  "KMP_AFFINITY",        "MKL_NUM_THREADS",    "MKL_CBWR",
                                   "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "UNROLL_MPI_THREADS", "OMP_DYNAMIC"};
constexpr int kMaxCpus = 8192;
constexpr int kCoresPerPackage = 1 << 16;

std::set<int> allowed_cpus() {
  cpu_set_t* set = CPU_ALLOC(kMaxCpus);
  const std::size_t size = CPU_ALLOC_SIZE(kMaxCpus);
  CPU_ZERO_S(size, set);
  std::set<int> cpus;
  if (sched_getaffinity(0, size, set) == 0) {
    for (int cpu = 0; cpu < kMaxCpus; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), size, set)) {
        cpus.insert(cpu);
      }
    }
  }
  CPU_FREE(set);
  return cpus;
}

int number_in(const std::string& path, int otherwise) {
  std::ifstream file(path);
  int number = otherwise;
  return file >> number ? number : otherwise;
}

/// The same number for hardware threads of one core; the thread's own where the system does not say.
int core_of(int cpu) {
  const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
  const int core = number_in(folder + "core_id", -1);
  return core < 0 ? cpu : number_in(folder + "physical_package_id", 0) * kCoresPerPackage + core;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      return printable(trim(line.substr(line.find(':') + 1)), 60);
    }
  }
  return "unknown processor";
}

std::set<std::string> variables() {
  std::set<std::string> found;
  for (const char* name : kVariables) {
    if (const char* value = std::getenv(name)) {
      found.insert(std::string(name) + "=" + printable(value, 60));
    }
  }
  return found;
}

template <typename Values>
std::string list_line(const std::string& name, const Values& values) {
  std::string line;
  for (const auto& value : values) {
    if constexpr (std::is_same_v<typename Values::value_type, int>) {
      line += name + " " + std::to_string(value) + "\n";
    } else {
      line += name + " " + value + "\n";
    }
  }
  return line;
}

std::int64_t integer(std::string_view text) {
  const auto value = parse_integer(text);
  if (!value) {
    throw Error("not a whole number in what a rank says of its machine: " + printable(text));
  }
  return *value;
}

}  // namespace

Machine this_machine(int rank) {
  Machine machine;
  machine.rank = rank;
  machine.host = host_name();
  machine.cpu_model = cpu_model();
  machine.cpus = allowed_cpus();
  for (const int cpu : machine.cpus) {
    machine.cores.insert(core_of(cpu));
  }
  machine.num_cpus = sysconf(_SC_NPROCESSORS_ONLN);
  std::set<int> cores;
  for (int cpu = 0; cpu < machine.num_cpus; ++cpu) {
    cores.insert(core_of(cpu));
  }
  machine.num_cores = std::ssize(cores);
  if (const char* granted = std::getenv("SLURM_CPUS_ON_NODE")) {
    machine.num_cpus = std::clamp<std::int64_t>(parse_integer(granted).value_or(machine.num_cpus), 1, machine.num_cpus);
    machine.num_cores = std::min(machine.num_cores, machine.num_cpus);
  }
  machine.cpu_limit = control_group_cpus("");
  machine.memory_bytes = node_memory_bytes();
  machine.variables = variables();
  return machine;
}

std::string encode(const Machine& machine) {
  return "rank " + std::to_string(machine.rank) + "\nhost " + machine.host + "\nmodel " + machine.cpu_model +
         "\nnum_cpus " + std::to_string(machine.num_cpus) + "\nnum_cores " + std::to_string(machine.num_cores) +
         "\nlimit " + shortest(machine.cpu_limit) + "\nmemory " + std::to_string(machine.memory_bytes) + "\nkey " +
         machine.numerics_key + "\n" + list_line("cpu", machine.cpus) + list_line("core", machine.cores) +
         list_line("gpu", machine.gpus) + list_line("variable", machine.variables);
}

Machine decode_machine(const std::string& text) {
  Machine machine;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::string_view name = line.substr(0, blank);
    const std::string_view value = line.substr(std::min(blank + 1, line.size()));
    if (name == "rank") {
      machine.rank = static_cast<int>(integer(value));
    } else if (name == "host") {
      machine.host = value;
    } else if (name == "model") {
      machine.cpu_model = value;
    } else if (name == "num_cpus") {
      machine.num_cpus = integer(value);
    } else if (name == "num_cores") {
      machine.num_cores = integer(value);
    } else if (name == "limit") {
      machine.cpu_limit = parse_real(value).value_or(0);
    } else if (name == "memory") {
      machine.memory_bytes = integer(value);
    } else if (name == "key") {
      machine.numerics_key = value;
    } else if (name == "cpu") {
      machine.cpus.insert(static_cast<int>(integer(value)));
    } else if (name == "core") {
      machine.cores.insert(static_cast<int>(integer(value)));
    } else if (name == "gpu") {
      machine.gpus.emplace_back(value);
    } else if (name == "variable") {
      machine.variables.emplace(value);
    } else if (!name.empty()) {
      throw Error("a rank says of its machine what this version does not know: " + printable(line));
    }
  }
  return machine;
}

std::string ranges(const std::set<int>& numbers) {
  std::string text;
  for (auto first = numbers.begin(); first != numbers.end();) {
    auto last = first;
    for (auto next = std::next(last); next != numbers.end() && *next == *last + 1; ++next) {
      last = next;
    }
    text += (text.empty() ? "" : ",") + std::to_string(*first) + (last == first ? "" : "-" + std::to_string(*last));
    first = std::next(last);
  }
  return text.empty() ? "none" : text;
}

}  // namespace unroll::app
