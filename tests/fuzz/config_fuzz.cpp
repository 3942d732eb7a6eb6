// An INI file and --set options of any bytes: a study or a UsageError on one line. What comes after a zero byte is
// --set options, a line each.
#include "input.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/study.hpp"

using namespace unroll;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const std::size_t end = text.find('\0');
  std::vector<std::string> sets;
  if (end != std::string_view::npos) {
    for (const std::string_view line : split(text.substr(end + 1), '\n')) {
      sets.emplace_back(line);
    }
  }
  const fuzz::MemoryPath file(text.substr(0, end));

  try {
    const config::Study study = config::read_study(file.path(), sets);
    fuzz::require(!study.cells.empty() && !study.seeds.empty(), "a study has cells and seeds");
    if (study.cells.size() <= 1000) {
      fuzz::require(is_utf8(config::scientific_text(study)) && is_utf8(config::operational_text(study)), "texts");
    }
  } catch (const UsageError& error) {
    const std::string message = error.what();
    fuzz::require(!message.empty() && message.find('\n') == std::string::npos, "a refusal is one line");
  }
  return 0;
}
