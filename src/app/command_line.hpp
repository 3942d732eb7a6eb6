#pragma once
// The arguments of one subcommand: words, flags (--json) and options with a value (--set k=v or --set=k=v).
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace unroll::app {

struct Syntax {
  std::string_view command;             // for messages
  std::vector<std::string_view> words;  // what each word is: "STUDY.ini"
  std::set<std::string_view> flags;     // "--json"
  std::set<std::string_view> values;    // "--set"
  std::size_t num_optional_words = 0;   // so many of the last words may be missing
};

struct Parsed {
  std::vector<std::string> words;  // as many as Syntax::words, less those left out
  std::set<std::string> flags;
  std::map<std::string, std::vector<std::string>, std::less<>> values;

  /// The value of an option that may be given once; UsageError when it is missing or there are several.
  [[nodiscard]] std::string one(const Syntax& syntax, std::string_view option) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view option) const;
};

/// UsageError: an unknown option, a missing value or word, a word too many.
[[nodiscard]] Parsed parse(const Syntax& syntax, const std::vector<std::string>& arguments);

}  // namespace unroll::app
