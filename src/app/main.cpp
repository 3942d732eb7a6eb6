// unroll: the commands that need no LibTorch, and the door to unroll-worker, which does.
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "commands.hpp"
#include "failure.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace {

using unroll::app::Command;

bool asks_for_help(const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const std::string& argument) { return argument == "--help" || argument == "-h"; });
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    throw unroll::UsageError("a command is missing; see unroll --help");
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h") {
    std::cout << unroll::app::help();
    return unroll::app::kExitComplete;
  }
  if (name == "--version") {
    std::cout << "unroll " UNROLL_VERSION "\n";
    return unroll::app::kExitComplete;
  }
  const auto commands = unroll::app::commands();
  const auto command = std::find_if(commands.begin(), commands.end(), [&](const Command& c) { return c.name == name; });
  if (command == commands.end()) {
    throw unroll::UsageError("unknown command " + unroll::printable(name) + "; see unroll --help");
  }
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (asks_for_help(rest)) {
    std::cout << help(*command);
    return unroll::app::kExitComplete;
  }
  return command->run(rest);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    if (!std::cout.flush()) {
      throw unroll::Error("stdout cannot be written");
    }
    return code;
  } catch (const unroll::UsageError& error) {
    unroll::app::say_failure(error.what());
    return unroll::app::kExitUsage;
  } catch (const std::exception& error) {
    unroll::app::say_failure(error.what());
    return 1;
  }
}
