#include <span>

#include "readers.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

// optdigits.bin (see README.md), as read-only data of the program.
asm(".pushsection .rodata\n"
    ".global unroll_optdigits_begin\n"
    ".global unroll_optdigits_end\n"
    "unroll_optdigits_begin:\n"
    ".incbin \"" UNROLL_OPTDIGITS_FILE
    "\"\n"
    "unroll_optdigits_end:\n"
    ".byte 0\n"
    ".popsection\n");
extern "C" const std::uint8_t unroll_optdigits_begin[];
extern "C" const std::uint8_t unroll_optdigits_end[];

namespace unroll::dataset {
namespace {

constexpr std::size_t kNumInputs = 64;
constexpr std::size_t kRowBytes = kNumInputs + 1;
constexpr std::size_t kNumTrain = 3823;
constexpr std::size_t kNumTest = 1797;
constexpr std::size_t kMaxFileBytes = 64 << 20;
constexpr std::int64_t kMaxInput = 16;
constexpr std::int64_t kNumClasses = 10;

Part part_of_rows(std::span<const std::uint8_t> rows) {
  Part part;
  std::vector<std::uint8_t> inputs;
  inputs.reserve(rows.size() / kRowBytes * kNumInputs);
  for (; !rows.empty(); rows = rows.subspan(kRowBytes)) {
    inputs.insert(inputs.end(), rows.begin(), rows.begin() + kNumInputs);
    part.labels.push_back(rows[kNumInputs]);
  }
  part.inputs = std::move(inputs);
  return part;
}

// A first line that starts with a letter is a header.
bool is_header(std::string_view line) { return !line.empty() && (line[0] < '0' || line[0] > '9'); }

void append_row(std::string_view line, const std::string& place, std::vector<std::uint8_t>& rows) {
  const std::vector<std::string_view> fields = split(line, ',');
  if (fields.size() != kRowBytes) {
    throw UsageError(place + ": has " + std::to_string(fields.size()) + " values, must have 64 inputs and a class");
  }
  for (std::size_t i = 0; i < kRowBytes; ++i) {
    const std::int64_t max = i < kNumInputs ? kMaxInput : kNumClasses - 1;
    const std::optional<std::int64_t> value = parse_integer(trim(fields[i]));
    if (!value || *value < 0 || *value > max) {
      throw UsageError(place + ": value " + std::to_string(i + 1) + " is '" + printable(fields[i]) +
                       "', must be an integer in 0.." + std::to_string(max));
    }
    rows.push_back(static_cast<std::uint8_t>(*value));
  }
}

Part part_of_file(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_bytes(path, kMaxFileBytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<std::uint8_t> rows;
  std::size_t line_number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++line_number;
    const std::string_view content = trim(line);
    if (!content.empty() && !(line_number == 1 && is_header(content))) {
      append_row(content, path + ":" + std::to_string(line_number), rows);
    }
  }
  if (rows.empty()) {
    throw UsageError(path + ": holds no rows");
  }
  return part_of_rows(rows);
}

}  // namespace

Raw read_optdigits(const config::Settings::Data& data) {
  Raw raw;
  raw.shape = {static_cast<std::int64_t>(kNumInputs)};
  raw.num_classes = kNumClasses;
  raw.scale = 1.0 / static_cast<double>(kMaxInput);
  if (data.path.empty()) {
    const std::span rows(unroll_optdigits_begin, unroll_optdigits_end);
    if (rows.size() != (kNumTrain + kNumTest) * kRowBytes) {
      throw Error("the embedded optdigits have " + std::to_string(rows.size()) + " bytes");
    }
    raw.train = part_of_rows(rows.first(kNumTrain * kRowBytes));
    raw.test = part_of_rows(rows.last(kNumTest * kRowBytes));
    return raw;
  }
  require_folder(data);
  raw.train = part_of_file(find_in(data.path, {"optdigits.tra"}));
  raw.test = part_of_file(find_in(data.path, {"optdigits.tes"}));
  return raw;
}

}  // namespace unroll::dataset
