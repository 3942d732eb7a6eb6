#include "command_line.hpp"

#include <algorithm>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

UsageError misuse(const Syntax& syntax, const std::string& what) {
  return UsageError(std::string(syntax.command) + ": " + what + "; see unroll " + std::string(syntax.command) +
                    " --help");
}

std::string known_options(const Syntax& syntax) {
  std::vector<std::string> names(syntax.flags.begin(), syntax.flags.end());
  names.insert(names.end(), syntax.values.begin(), syntax.values.end());
  return names.empty() ? "it has no options" : "its options are " + join(names, ", ");
}

}  // namespace

Parsed parse(const Syntax& syntax, const std::vector<std::string>& arguments) {
  Parsed parsed;
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (!argument->starts_with('-') || *argument == "-") {
      parsed.words.push_back(*argument);
      continue;
    }
    const std::size_t equals = argument->find('=');
    const std::string name = argument->substr(0, equals);
    const bool has_value = equals != std::string::npos;
    if (syntax.flags.contains(name) && !has_value) {
      parsed.flags.insert(name);
    } else if (syntax.flags.contains(name)) {
      throw misuse(syntax, name + " takes no value");
    } else if (!syntax.values.contains(name)) {
      throw misuse(syntax, "unknown option " + printable(name) + " (" + known_options(syntax) + ")");
    } else if (has_value) {
      parsed.values[name].push_back(argument->substr(equals + 1));
    } else if (argument + 1 != arguments.end()) {
      parsed.values[name].push_back(*++argument);
    } else {
      throw misuse(syntax, name + " needs a value");
    }
  }
  if (parsed.words.size() > syntax.words.size()) {
    throw misuse(syntax, "unexpected word " + printable(parsed.words[syntax.words.size()]));
  }
  if (parsed.words.size() + syntax.num_optional_words < syntax.words.size()) {
    throw misuse(syntax, std::string(syntax.words[parsed.words.size()]) + " is missing");
  }
  return parsed;
}

std::string Parsed::one(const Syntax& syntax, std::string_view option) const {
  const std::vector<std::string> given = all(option);
  if (given.empty()) {
    throw misuse(syntax, std::string(option) + " is missing");
  }
  if (given.size() > 1) {
    throw misuse(syntax, std::string(option) + " is given more than once");
  }
  return given.front();
}

std::vector<std::string> Parsed::all(std::string_view option) const {
  const auto found = values.find(option);
  return found == values.end() ? std::vector<std::string>() : found->second;
}

}  // namespace unroll::app
