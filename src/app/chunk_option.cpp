#include "chunk_option.hpp"

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {

plan::StudyChunk parse_chunk(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto index = parse_integer(std::string_view(text).substr(0, slash));
  const auto count =
      slash == std::string::npos ? std::nullopt : parse_integer(std::string_view(text).substr(slash + 1));
  if (!index || !count || *count < 1 || *index < 1 || *index > *count) {
    throw UsageError("--chunk " + printable(text) +
                     ": must be i/n with i in 1..n, for example 2/8 for the second of 8");
  }
  return {*index, *count};
}

}  // namespace unroll::app
