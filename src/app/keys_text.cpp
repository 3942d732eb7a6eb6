#include "keys_text.hpp"

#include "unroll/config/keys.hpp"

namespace unroll::app {
namespace {

constexpr const char* kHead =
    "Every key of a study with its default. [section] and key = value, or --set section.key=value. A comma makes an "
    "axis\n"
    "of the grid, except where one value or a list is asked for; a list as one value of an axis is written [0 10 "
    "20].\n\n"
    "study.name = study\n    letters, digits, dots, hyphens or underscores; one value\n"
    "study.seeds = 0\n    each cell runs once a seed: whole numbers such as 0..9 or 0, 3, 7..9\n"
    "study.zip\n    axes that go together instead of crossing: train.lr, train.epochs (repeatable)\n"
    "study.exclude\n    cells to leave out: loss.gamma=5 & train.lr=0.1 (repeatable)\n";

std::string entry(const config::Key& key) {
  const std::string value = key.canonical(config::Settings{});
  std::string text = std::string(key.name) + (value.empty() ? "" : " = " + value) + "\n    " + std::string(key.help) +
                     ": " + std::string(key.range);
  if (key.shape != config::KeyShape::axis) {
    text += key.shape == config::KeyShape::list ? "; a list, separated by commas" : "; one value";
  }
  if (!key.acts.text.empty()) {
    text += "; only with " + std::string(key.acts.text);
  }
  return text + (key.role == config::KeyRole::operational ? "; changes no result\n" : "\n");
}

}  // namespace

std::string keys_text() {
  std::string text = kHead;
  for (const config::Key& key : config::keys()) {
    text += entry(key);
  }
  return text;
}

}  // namespace unroll::app
