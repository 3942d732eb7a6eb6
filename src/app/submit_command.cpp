// unroll submit: looks at the site and the cluster, writes the scripts, becomes sbatch.
#include "submit_command.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>
#include <thread>

#include "commands.hpp"
#include "duration.hpp"
#include "memory.hpp"
#include "output_folder.hpp"
#include "size_text.hpp"
#include "submit.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/base/command.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/chunks.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::app {
namespace {

constexpr double kPatience_s = 10;
constexpr std::size_t kIndent = 10;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The site file that counts; "" for none.
std::string site_path(const Submission& asked) {
  if (!asked.site.empty()) {
    return asked.site;
  }
  const std::string named = environment("UNROLL_SITE");
  if (!named.empty()) {
    return named;
  }
  const std::string config = environment("XDG_CONFIG_HOME"), home = environment("HOME");
  const std::string own = (config.empty() ? home + "/.config" : config) + "/unroll/site";
  return std::filesystem::exists(own) ? own : "";
}

void check_file(const std::string& what, const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) || access(path.c_str(), R_OK) != 0) {
    throw UsageError("submit: " + what + " " + printable(path, 200) + " is no file that can be read");
  }
}

Site read_site(const std::string& path) {
  if (path.empty()) {
    return {};
  }
  check_file("the site file", path);
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return parse_site(text, path);
}

/// What the job will be given: the last --partition counts.
std::string partition_of(const Submission& asked, const Site& site) {
  constexpr std::string_view kLong = "--partition=", kShort = "-p";
  const auto given = site.find("partition");
  std::string partition = given == site.end() ? "" : given->second;
  for (const std::string& word : asked.sbatch_args) {
    if (word.starts_with(kLong)) {
      partition = word.substr(kLong.size());
    } else if (word.starts_with(kShort)) {
      partition = word.substr(kShort.size());
    }
  }
  return partition;
}

Node look_at_node(const Submission& asked, const Site& site) {
  const auto answer = output_of({"sinfo", "-h", "-N", "-o", "%P %X %Y %Z %m"}, kPatience_s);
  const auto seen = answer ? node_of(*answer, partition_of(asked, site)) : std::nullopt;
  const auto threads = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  Node node = seen ? *seen
                   : Node{std::max<std::int64_t>(1, threads), 1, static_cast<double>(node_memory_bytes()),
                          "this machine: sinfo does not tell"};
  const auto cores = site.find("cores"), memory = site.find("memory");
  if (cores != site.end()) {
    node.cores = *parse_integer(cores->second);
    node.source = "the site file";
  }
  if (memory != site.end()) {
    node.memory_bytes = static_cast<double>(parse_size("memory", memory->second));
  } else if (cores != site.end() && !seen) {
    node.memory_bytes = 0;
  }
  return node;
}

std::string absolute(const std::string& path) {
  const std::string text = std::filesystem::absolute(path).lexically_normal().string();
  check_plain("path", text);
  return text;
}

void check_output(const Submission& asked, const plan::Plan& plan) {
  if (asked.output.find(".sbatch") != std::string::npos) {
    throw UsageError("--output = " + printable(asked.output, 200) + ": must not hold .sbatch");
  }
  check_output_folder(asked.output);
  asked.chunks > 1 ? store::check_for_chunk(asked.output, asked.chunks, plan.id) : store::check_for_whole(asked.output);
}

std::string row(const std::string& name, const std::string& text) {
  return wrapped(name + std::string(kIndent - name.size(), ' ') + text, terminal_width(), kIndent);
}

std::string job_text(const Prepared& prepared, const Submission& asked, const Node& node, const JobSize& size) {
  std::string text = row("study", prepared.study.name + ": " + counted(std::ssize(prepared.plan.runs), "run") +
                                      ", about " + duration_text(prepared.plan.totals.cost_s) + " of one core");
  text +=
      row("job", (asked.chunks > 1 ? counted(asked.chunks, "chunk") + ", each " : "") + counted(asked.nodes, "node") +
                     ", " + counted(size.ranks_per_node, "rank") + " a node, " + counted(size.threads, "core") +
                     " a rank, " + std::to_string(size.memory_per_core_mb) + " MB a core; about " +
                     duration_text(size.estimate_s) + " of work, time limit " + duration_text(size.time_s));
  text += row("node", counted(node.cores, "core") + (node.memory_bytes > 0 ? ", " + size_text(node.memory_bytes) : "") +
                          " (" + node.source + ")");
  for (const std::string& advice : size.advice) {
    text += row("note", advice);
  }
  return text;
}

void write_scripts(const Submission& asked, const std::string& folder, const std::string& site) {
  store::FileDoor door;
  (void)door.make_folders(folder);
  for (const JobScript& script : job_scripts()) {
    if (script.name == script_of(asked) || script.name == "slurm.sh") {
      door.replace(folder + '/' + std::string(script.name), script.text);
    }
  }
  door.replace(folder + "/site", site);
}

[[noreturn]] void become(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  std::cout << std::flush;
  execvp(arguments.front(), arguments.data());
  throw UsageError("sbatch: cannot be started: " + std::generic_category().message(errno) +
                   "; is this a login node of a Slurm cluster? --dry-run shows the job anywhere");
}

}  // namespace

int run_submit(const std::vector<std::string>& arguments) {
  Submission asked = parse_submission(arguments);
  const Site site = read_site(site_path(asked));
  check_file("the study", asked.study);
  const Prepared prepared = prepare(asked.study, asked.sets, MemoryCheck::no);
  asked.output = absolute(asked.output.empty() ? "results/" + prepared.study.name : asked.output);
  asked.study = absolute(asked.study);
  check_output(asked, prepared.plan);
  const Node node = look_at_node(asked, site);
  const JobSize size = size_job(prepared.plan, asked, site, node);
  const auto preferred = site.find("launcher");
  const std::string launcher = !asked.launcher.empty()   ? asked.launcher
                               : preferred != site.end() ? preferred->second
                                                         : "mpirun";
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string folder = asked.output + "/job";
  const std::vector<std::string> words = sbatch_words(asked, site, node, size, folder);
  std::cout << job_text(prepared, asked, node, size) << row("scripts", folder);
  if (asked.is_dry_run) {
    std::cout << "command   " << shell_text(words) << '\n';
    return kExitComplete;
  }
  write_scripts(asked, folder, job_site(site, launcher, program));
  for (const char* inherited : {"UNROLL_LAUNCHER", "UNROLL_PROGRAM", "UNROLL_JOBS", "UNROLL_CHUNKS"}) {
    unsetenv(inherited);  // sbatch would hand them on to the job, where they would count more than its site file
  }
  become(words);
}

}  // namespace unroll::app
