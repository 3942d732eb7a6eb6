#pragma once
// The one table of keys. A scientific key enters ids and the stored plan; an operational key never does.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/config/settings.hpp"

namespace unroll::config {

enum class KeyRole { scientific, operational };
enum class KeyShape { axis, list, scalar };    // axis: a comma makes an axis of the grid; list: a comma separates items
enum class ValueType { integer, real, text };  // how the value is stored as a column of /cells

/// When a key changes anything. A key that is set but acts in no cell is refused, and ids leave out keys that do not
/// act, so that a value nobody reads makes no two stages different.
struct Condition {
  bool (*holds)(const Settings& settings);
  std::string_view text;  // "loss.kind = sd"; empty: always
};

struct Key {
  std::string_view name;  // "train.lr"
  KeyRole role;
  KeyShape shape;
  ValueType type;
  std::string_view range;  // shown in errors and help: "a finite number > 0"
  std::string_view help;
  /// Reads one value into settings; throws UsageError whose text is the range alone (the caller adds the place).
  void (*read)(std::string_view text, Settings& settings);
  /// The value in canonical form: equal settings give equal text, reals in shortest round-trip form, "" for unset.
  std::string (*canonical)(const Settings& settings);
  Condition acts;
};

/// Every key of Settings in documented order (study.* keys are not settings: see study.hpp).
[[nodiscard]] std::span<const Key> keys();
[[nodiscard]] const Key* find_key(std::string_view name);

/// "key=value\n" for each named key, in table order: the text behind ids. Prefixes such as "model." take a section.
/// The value of a key that does not act in these settings is left empty.
[[nodiscard]] std::string canonical_text(const Settings& settings, std::span<const std::string_view> names);

/// The same in two steps, for many cells: the keys are looked up once.
[[nodiscard]] std::vector<const Key*> select_keys(std::span<const std::string_view> names);
[[nodiscard]] std::string canonical_text(const Settings& settings, std::span<const Key* const> selected);

}  // namespace unroll::config
