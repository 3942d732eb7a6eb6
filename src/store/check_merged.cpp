#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "check_findings.hpp"
#include "check_rows.hpp"
#include "unroll/base/child.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

// What results.h5 holds, against the plan and against what is finished.
void compare_runs(const std::string& path, const plan::Plan& plan, const std::unordered_set<std::string>& safe,
                  Findings& findings) {
  const std::string remedy = "; write it again with unroll merge";
  const hdf5::TableReader reader(path);
  const auto ids = read_whole<std::string>(reader, "runs", "run_id");
  const auto statuses = read_whole<std::string>(reader, "runs", "status");
  const auto plan_id = reader.header().attributes.find("plan_id");
  if (plan_id == reader.header().attributes.end() || plan_id->second != plan.id ||
      !std::equal(ids.begin(), ids.end(), plan.runs.begin(), plan.runs.end(),
                  [](const std::string& id, const plan::Run& run) { return id == run.id; })) {
    findings.add(Severity::problem, path + ": its runs are not those of the plan" + remedy);
    return;
  }
  std::unordered_map<std::string, std::size_t> num_rows;
  for (const std::string& run : read_whole<std::string>(reader, "pairs", "run_id")) {
    ++num_rows[run];
  }
  std::int64_t num_older = 0, num_short = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool is_missing = statuses[i] == "missing";
    num_older += is_missing && safe.contains(ids[i]) ? 1 : 0;
    const std::size_t there = num_rows[ids[i]], planned = plan.measured_steps(plan.runs[i]).size();
    num_short += (statuses[i] == "ok" && there != planned) || there > planned ? 1 : 0;
  }
  if (num_older > 0) {
    findings.add(Severity::problem, path + ": lacks " + counted(num_older, "run") + " that shards hold" + remedy);
  }
  if (num_short > 0) {
    findings.add(Severity::problem, path + ": " + counted(num_short, "run") +
                                        " have another number of rows in 'pairs' than the plan asks for" + remedy);
  }
}

// A file of the folder: what cannot even be read is a finding here. Whether there is none.
bool check_merged(const std::string& path, Findings& findings) {
  std::vector<Finding> found;
  try {
    found = check_file(path);
  } catch (const UsageError& error) {
    found.push_back({Severity::problem, std::string(error.what()) + "; write it again with unroll merge"});
  }
  findings.append(found);
  return found.empty();
}

bool is_there(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

void check_results(const std::string& folder, const plan::Plan* plan, bool is_cut, const FolderState& state,
                   Findings& findings) {
  for (const std::string name : {"results.h5", "telemetry.h5"}) {
    const std::string path = folder + '/' + name;
    if (!is_there(path)) {
      const Severity severity = state.safe.empty() ? Severity::note : is_cut ? Severity::unfinished : Severity::problem;
      findings.add(severity, path + ": is not there; unroll merge writes it from what is finished");
      continue;
    }
    if (!is_there(path + ".sha256")) {
      findings.add(Severity::problem, path + ".sha256: is missing; unroll merge writes it again");
    }
    if (check_merged(path, findings) && name == "results.h5" && plan != nullptr) {
      compare_runs(path, *plan, state.safe, findings);
    }
  }
}

}  // namespace

// An empty line parts what was found from the ids that are safe.
FolderState look_in_child(const std::string& folder, const plan::Plan* plan, const plan::ChunkShare* share) {
  FolderState state;
  try {
    const std::string text = in_child(folder, limits_for(folder), [&] {
      const FolderState found = look_at_folder(folder, plan, share);
      std::string lines = encode(found.findings) + '\n';
      for (const std::string& id : found.safe) {
        lines += id + '\n';
      }
      return lines;
    });
    const std::size_t end = text.starts_with('\n') ? 0 : text.find("\n\n") + 1;
    state.findings = decode_findings(text.substr(0, end));
    for (const std::string_view id : split(std::string_view(text).substr(end), '\n')) {
      state.safe.emplace(id);
    }
    state.safe.erase("");
  } catch (const Error& error) {
    state.findings.push_back({Severity::problem, error.what()});
  }
  return state;
}

std::vector<Finding> check_folder(const std::string& folder, const plan::Plan* plan) {
  Findings findings;
  std::optional<Chunks> chunks;
  try {
    chunks = find_chunks(folder);
  } catch (const UsageError& error) {  // of two cuts
    findings.add(Severity::problem, error.what());
  }
  const auto share = share_at(folder, plan);
  const FolderState state =
      chunks ? look_at_chunks(folder, *chunks, plan) : look_in_child(folder, plan, share ? &*share : nullptr);
  findings.append(state.findings);
  if (!share) {
    check_results(folder, plan, chunks.has_value(), state, findings);
  }
  return std::move(findings).take();
}

}  // namespace unroll::store
