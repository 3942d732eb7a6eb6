// Studies whose keys and values are chosen by the bytes of the input: a UsageError on one line, or a plan in which ids
// are unique, each run is in its tree once, and items wait for items before them.
#include <algorithm>
#include <array>
#include <set>

#include "input.hpp"
#include "plan/fakes.hpp"
#include "unroll/plan/chunk.hpp"

using namespace unroll;

namespace {

constexpr std::int64_t kMaxTrain = 200, kMaxEpochs = 5, kMaxSteps = 200, kMaxRuns = 200;

std::vector<std::string> words_of_ranges() {
  std::set<std::string> words = {
      "0",     "1",    "2",        "3",  "0.1", "0.5",  "-1",     "1e-3",    "0, 1", "0.1, 0.2, 0.3",
      "[0 1]", "0..3", "[0 1], 2", "10", "40",  "4, 8", "file:x", "first:8", "x.h5", "0, 2, 4..8"};
  for (const config::Key& key : config::keys()) {
    for (const std::string_view part : split(key.range, ' ')) {
      const std::size_t end = part.find_last_not_of(",;.():");
      words.emplace(part.substr(0, end == std::string_view::npos ? 0 : end + 1));
    }
  }
  words.erase("");
  return {words.begin(), words.end()};
}

std::string study_text(fuzz::Bytes& bytes) {
  static const std::vector<std::string> kWords = words_of_ranges();
  static constexpr std::array<std::string_view, 3> kStudyKeys = {"study.seeds", "study.zip", "study.exclude"};
  std::string text;
  while (!bytes.empty()) {
    const std::size_t index = bytes.below(config::keys().size() + kStudyKeys.size());
    const bool is_setting = index < config::keys().size();
    text += is_setting ? config::keys()[index].name : kStudyKeys[index - config::keys().size()];
    text += " = ";
    if (is_setting || index == config::keys().size()) {
      text += kWords[bytes.below(kWords.size())];
    } else {
      const bool is_zip = index == config::keys().size() + 1;
      text += config::keys()[bytes.below(config::keys().size())].name;
      text += is_zip ? ", " : "=" + kWords[bytes.below(kWords.size())] + " & ";
      text += config::keys()[bytes.below(config::keys().size())].name;
      text += is_zip ? "" : "=" + kWords[bytes.below(kWords.size())];
    }
    text += '\n';
  }
  return text;
}

// Small enough for a thousand plans a second.
bool is_small(const config::Study& study) {
  return study.cells.size() * study.seeds.size() <= kMaxRuns &&
         std::all_of(study.cells.begin(), study.cells.end(), [](const config::Settings& cell) {
           return cell.data.train_size.value_or(0) <= kMaxTrain && cell.train.epochs.value_or(1) <= kMaxEpochs &&
                  cell.train.steps.value_or(1) <= kMaxSteps && cell.pretrain.epochs <= kMaxEpochs &&
                  cell.noise.repeats <= 10;
         });
}

void check_plan(const config::Study& study, const plan::Plan& plan) {
  std::set<std::string> runs, trees;
  std::size_t num_in_trees = 0;
  for (const plan::Run& run : plan.runs) {
    runs.insert(run.id);
    const auto& of_tree = plan.trees.at(run.tree).runs;
    fuzz::require(run.fork < plan.trees[run.tree].forks.size(), "a run's fork is one of its tree");
    fuzz::require(std::count(of_tree.begin(), of_tree.end(), &run - plan.runs.data()) == 1, "a run is in its tree");
    for (const std::int64_t step : plan.measured_steps(run)) {
      fuzz::require(step >= 0 && step <= plan.trees[run.tree].num_steps, "a measured step is one of M");
    }
  }
  for (const plan::Tree& tree : plan.trees) {
    trees.insert(tree.id);
    num_in_trees += tree.runs.size();
  }
  fuzz::require(runs.size() == study.cells.size() * study.seeds.size(), "each cell and seed is a run of its own");
  fuzz::require(num_in_trees == plan.runs.size() && trees.size() == plan.trees.size(), "trees hold each run once");
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    for (const std::size_t first : plan.items[i].depends) {
      fuzz::require(first < i, "an item waits for items before it");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes bytes(data, std::min<std::size_t>(size, 64));
  const fuzz::MemoryPath file(study_text(bytes));
  try {
    const config::Study study = config::read_study(file.path(), {});
    if (is_small(study)) {
      plan::Sources sources = plan::fake_sources();
      sources.memory_limit_bytes = std::int64_t{1} << 40;
      const plan::Plan plan = plan::make_plan(study, sources);
      check_plan(study, plan);
      (void)plan::plan_json(study, plan);
    }
  } catch (const UsageError& error) {
    const std::string message = error.what();
    fuzz::require(!message.empty() && message.find('\n') == std::string::npos, "a refusal is one line");
  }
  return 0;
}
