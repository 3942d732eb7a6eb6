#include "unroll/app/prepare.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "chunk_option.hpp"
#include "command_line.hpp"
#include "duration.hpp"
#include "foreign_files.hpp"
#include "memory.hpp"
#include "size_text.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/chunks.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::app {
namespace {

const Syntax kRunSyntax{.command = "run",
                        .words = {"STUDY.ini"},
                        .flags = {"--extend", "--fail-fast"},
                        .values = {"--output", "--set", "--cache", "--cache-limit", "--chunk", "--stop-after",
                                   "--max-fails", "--max-attempts"}};

std::string study_path(const std::string& folder) { return folder + "/study.ini"; }
std::string sets_path(const std::string& folder) { return folder + "/sets.txt"; }

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw UsageError(path + ": cannot be read");
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<store::CacheOptions> cache_of(const Parsed& parsed) {
  if (parsed.all("--cache").empty()) {
    if (!parsed.all("--cache-limit").empty()) {
      throw UsageError("run: --cache-limit limits the folder of --cache, which is not given; see unroll run --help");
    }
    return std::nullopt;
  }
  store::CacheOptions cache;
  cache.folder = parsed.one(kRunSyntax, "--cache");
  if (!parsed.all("--cache-limit").empty()) {
    cache.limit_bytes = parse_size("--cache-limit", parsed.one(kRunSyntax, "--cache-limit"));
  }
  return cache;
}

/// The value of an option that may be left out.
std::optional<std::string> value_of(const Parsed& parsed, std::string_view option) {
  return parsed.all(option).empty() ? std::nullopt : std::optional(parsed.one(kRunSyntax, option));
}

std::int64_t count_of(const Parsed& parsed, std::string_view option, std::int64_t otherwise) {
  const auto text = value_of(parsed, option);
  const auto count = text ? parse_integer(*text) : otherwise;
  constexpr std::int64_t kMost = 1'000'000'000;
  if (text && (!count || *count < 1 || *count > kMost)) {
    throw UsageError(std::string(option) + " = " + printable(*text) + ": must be a whole number from 1 to " +
                     std::to_string(kMost));
  }
  return *count;
}

std::int64_t max_fails_of(const Parsed& parsed) {
  const bool is_fast = parsed.flags.contains("--fail-fast");
  if (is_fast && !parsed.all("--max-fails").empty()) {
    throw UsageError("run: --fail-fast is --max-fails 1: give one of the two; see unroll run --help");
  }
  return is_fast ? 1 : count_of(parsed, "--max-fails", 0);
}

}  // namespace

RunArguments parse_run(const std::vector<std::string>& arguments) {
  const Parsed parsed = parse(kRunSyntax, arguments);
  RunArguments run{.study = parsed.words[0],
                   .output = parsed.one(kRunSyntax, "--output"),
                   .sets = parsed.all("--set"),
                   .cache = cache_of(parsed),
                   .stop_after = value_of(parsed, "--stop-after").value_or(""),
                   .max_fails = max_fails_of(parsed),
                   .extend = parsed.flags.contains("--extend"),
                   .max_attempts = count_of(parsed, "--max-attempts", 3)};
  if (!parsed.all("--stop-after").empty()) {
    run.stop_after_s = parse_duration("--stop-after", run.stop_after);
  }
  run.folder = run.output;
  if (!parsed.all("--chunk").empty()) {
    if (run.extend) {
      throw UsageError("run: --extend and --chunk: a study in chunks is not extended; leave out one of the two");
    }
    run.chunk = parse_chunk(parsed.one(kRunSyntax, "--chunk"));
    run.folder = store::chunk_folder(run.output, run.chunk->index, run.chunk->count);
  }
  for (const std::string& set : run.sets) {
    if (set.find('\n') != std::string::npos) {
      throw UsageError("run: --set " + printable(set) + ": must be one line");
    }
  }
  return run;
}

Prepared prepare(const std::string& path, const std::vector<std::string>& sets, MemoryCheck memory,
                 ForeignFiles files) {
  plan::Sources sources;
  sources.describe = dataset::describe;
  sources.order_file = dataset::read_order_file;
  sources.rows_file = dataset::read_rows_file;
  sources.file_hash = dataset::file_hash;
  sources.memory_limit_bytes = memory == MemoryCheck::yes ? memory_per_rank_bytes() : 0;
  config::Study study = config::read_study(path, sets);
  if (files == ForeignFiles::walk) {
    walk_foreign_files(study);
  }
  plan::Plan plan = plan::make_plan(study, sources);
  return {std::move(study), std::move(plan)};
}

void save_study(const std::string& folder, const RunArguments& arguments) {
  const std::string text = read_text(arguments.study);
  std::string sets;
  for (const std::string& set : arguments.sets) {
    sets += set + '\n';
  }
  store::FileDoor door;
  door.replace(study_path(folder), text);
  door.replace(sets_path(folder), sets);
}

Prepared prepare_saved(const std::string& folder) {
  if (!std::filesystem::exists(study_path(folder)) || !std::filesystem::exists(sets_path(folder))) {
    throw UsageError(folder +
                     ": is no folder of results (it holds no study.ini and sets.txt); give the --output of "
                     "a study that was started with unroll run");
  }
  std::vector<std::string> sets;
  const std::string text = read_text(sets_path(folder));
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) {
      sets.emplace_back(line);
    }
  }
  return prepare(study_path(folder), sets, MemoryCheck::no);
}

}  // namespace unroll::app
