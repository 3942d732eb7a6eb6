#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace unroll::config {

/// In which keys two scientific texts (lines "key=value" and "cell key=value key=value") differ, on one line:
/// "train.lr: 0.05 -> 0.06, order.kind: not set -> fixed"; "" when in none. Keys beyond `most` are counted.
[[nodiscard]] std::string changes(std::string_view before, std::string_view after, std::size_t most = 4);

}  // namespace unroll::config
