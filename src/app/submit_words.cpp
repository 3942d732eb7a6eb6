#include <algorithm>
#include <cstdio>

#include "submit.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

/// "D-HH:MM:SS"
std::string slurm_time(double seconds) {
  const auto whole = static_cast<long long>(seconds);
  char text[64];
  std::snprintf(text, sizeof text, "%lld-%02lld:%02lld:%02lld", whole / 86400, whole / 3600 % 24, whole / 60 % 60,
                whole % 60);
  return text;
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:/=@%+-";
  if (!word.empty() && word.find_first_not_of(kSafe) == std::string::npos) {
    return word;
  }
  std::string text = "'";
  for (const char c : word) {
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text + '\'';
}

/// Slurm replaces %j and the like in a log's name.
std::string without_patterns(const std::string& path) {
  std::string text;
  for (const char c : path) {
    text += c == '%' ? std::string("%%") : std::string(1, c);
  }
  return text;
}

}  // namespace

std::string script_of(const Submission& asked) {
  return asked.chunks > 1       ? "array.sbatch"
         : asked.is_preemptible ? "preemptible.sbatch"
         : asked.nodes > 1      ? "multi_node.sbatch"
                                : "single_node.sbatch";
}

std::vector<std::string> sbatch_words(const Submission& asked, const Site& site, const Node& node, const JobSize& size,
                                      const std::string& folder) {
  std::vector<std::string> words{"sbatch"};
  for (const char* key : {"account", "partition", "qos", "constraint", "reservation", "gres"}) {
    const auto value = site.find(key);
    if (value != site.end() && (size.uses_gpus || std::string_view(key) != "gres")) {
      words.push_back("--" + std::string(key) + '=' + value->second);
    }
  }
  words.insert(words.end(), asked.sbatch_args.begin(), asked.sbatch_args.end());  // later ones count
  words.push_back("--nodes=" + std::to_string(asked.nodes));
  words.push_back("--ntasks=" + std::to_string(asked.nodes * size.ranks_per_node));
  words.push_back("--ntasks-per-node=" + std::to_string(size.ranks_per_node));
  words.push_back("--cpus-per-task=" + std::to_string(size.threads));
  words.push_back("--mem-per-cpu=" + std::to_string(size.memory_per_core_mb) + "M");
  if (node.threads_per_core > 1) {
    words.push_back("--hint=nomultithread");
  }
  words.push_back("--time=" + slurm_time(size.time_s));
  words.push_back("--signal=B:USR2@" + std::to_string(static_cast<int>(size.warning_s)));
  if (asked.chunks > 1) {
    words.push_back("--array=1-" + std::to_string(asked.chunks));
  }
  words.push_back("--output=" + without_patterns(folder) + (asked.chunks > 1 ? "/%A_%a.log" : "/%j.log"));
  words.insert(words.end(), {folder + '/' + script_of(asked), asked.study, "--output", asked.output});
  for (const std::string& set : asked.sets) {
    words.insert(words.end(), {"--set", set});
  }
  return words;
}

std::string shell_text(const std::vector<std::string>& words) {
  std::vector<std::string> texts(words.size());
  std::transform(words.begin(), words.end(), texts.begin(), quoted);
  return join(texts, " ");
}

}  // namespace unroll::app
