#include "forget.hpp"

#include <algorithm>
#include <span>

#include "unroll/base/sha256.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

using config::bad_setting;
using config::ForgetKind;
using config::Settings;

std::string number(std::int64_t value) { return std::to_string(value); }

Rows rows_of_batches(const Settings& cell, const ForgetContext& context) {
  const std::int64_t num_batches = context.order.steps_per_epoch();
  Rows rows;
  for (const std::int64_t index : cell.forget.index) {
    if (index >= num_batches) {
      throw bad_setting(context.study, "forget.index", cell,
                        "there is no batch " + number(index) + ": an epoch has " + number(num_batches) +
                            " batches of at most " + number(context.order.batch_size()) + " rows, so 0 to " +
                            number(num_batches - 1));
    }
    const auto batch = context.order.batch(index);
    rows.insert(rows.end(), batch.begin(), batch.end());
  }
  return rows;
}

Rows rows_of_examples(const Settings& cell, const ForgetContext& context) {
  const auto num_rows = std::ssize(context.finetune_rows);
  Rows rows;
  for (const std::int64_t index : cell.forget.index) {
    if (index + cell.forget.count > num_rows) {
      throw bad_setting(context.study, "forget.index", cell,
                        "examples " + number(index) + " to " + number(index + cell.forget.count - 1) +
                            " (forget.count = " + number(cell.forget.count) +
                            ") are not all there: the fine-tuning part has " + number(num_rows) +
                            " rows, so positions 0 to " + number(num_rows - 1));
    }
    const auto first = context.finetune_rows.begin() + index;
    rows.insert(rows.end(), first, first + cell.forget.count);
  }
  return rows;
}

Rows rows_of_classes(const Settings& cell, const ForgetContext& context) {
  Rows rows;
  for (const std::int64_t label : cell.forget.index) {
    const auto before = rows.size();
    if (label < context.description.num_classes) {
      std::copy_if(
          context.finetune_rows.begin(), context.finetune_rows.end(), std::back_inserter(rows),
          [&](std::int64_t row) { return context.description.train_labels[static_cast<std::size_t>(row)] == label; });
    }
    if (rows.size() == before) {
      throw bad_setting(context.study, "forget.index", cell,
                        "no row of the fine-tuning part is of class " + number(label) +
                            ": the data set has classes 0 to " + number(context.description.num_classes - 1));
    }
  }
  return rows;
}

Rows rows_of_file(const Settings& cell, const ForgetContext& context) {
  if (context.listed_rows->empty()) {
    throw bad_setting(context.study, "forget.file", cell, "lists no row; use forget.kind = none to forget nothing");
  }
  for (const std::int64_t row : *context.listed_rows) {
    if (row < 0 || row >= context.description.num_train) {
      throw bad_setting(context.study, "forget.file", cell,
                        "lists row " + number(row) + ", but the data set has " + number(context.description.num_train) +
                            " training rows, so 0 to " + number(context.description.num_train - 1));
    }
    if (!std::binary_search(context.finetune_rows.begin(), context.finetune_rows.end(), row)) {
      throw bad_setting(context.study, "forget.file", cell,
                        "lists row " + number(row) +
                            ", which is in the pretraining split; set pretrain.on to retain, all or none, or list rows "
                            "of the fine-tuning part");
    }
  }
  return *context.listed_rows;
}

Rows rows_of(const Settings& cell, const ForgetContext& context) {
  switch (cell.forget.kind) {
    case ForgetKind::batch:
      return rows_of_batches(cell, context);
    case ForgetKind::examples:
      return rows_of_examples(cell, context);
    case ForgetKind::class_:
      return rows_of_classes(cell, context);
    case ForgetKind::file:
      return rows_of_file(cell, context);
    case ForgetKind::step:
    case ForgetKind::none:
    case ForgetKind::ghost:
      break;
  }
  return {};
}

std::string hash_of(const std::string& kind, const ForgetSet& set) {
  Sha256 hash;
  hash.update("forget " + kind);
  hash.update(" step " + (set.skipped_step ? number(*set.skipped_step) : "") + " ghosts " + number(set.num_ghosts) +
              " rows ");
  for (const std::int64_t row : set.rows) {  // eight bytes each, low byte first
    std::array<std::byte, 8> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(static_cast<std::uint64_t>(row) >> (8 * i));
    }
    hash.update(std::span<const std::byte>(bytes));
  }
  return hash.hex_digest();
}

}  // namespace

ForgetSet resolve_forget_set(const Settings& cell, const ForgetContext& context) {
  ForgetSet set;
  set.rows = rows_of(cell, context);
  std::sort(set.rows.begin(), set.rows.end());
  set.rows.erase(std::unique(set.rows.begin(), set.rows.end()), set.rows.end());
  if (!set.rows.empty() && set.rows.size() == context.finetune_rows.size()) {
    throw bad_setting(
        context.study, "forget.kind", cell,
        "forgets all " + number(std::ssize(set.rows)) + " rows of the fine-tuning part: nothing is left to retrain on");
  }
  if (cell.forget.kind == ForgetKind::step) {
    set.skipped_step = cell.forget.index.at(0);
    if (*set.skipped_step >= context.total_steps) {
      throw bad_setting(context.study, "forget.index", cell,
                        "there is no step " + number(*set.skipped_step) + ": training has " +
                            number(context.total_steps) + " steps, so 0 to " + number(context.total_steps - 1));
    }
  }
  set.num_ghosts = cell.forget.kind == ForgetKind::ghost ? cell.forget.count : 0;
  set.hash = hash_of(config::find_key("forget.kind")->canonical(cell), set);
  return set;
}

ForgetSet examples_of_step(const ForgetSet& set, const Order& order) {
  ForgetSet examples;
  examples.rows = order.batch(*set.skipped_step);
  std::sort(examples.rows.begin(), examples.rows.end());
  examples.rows.erase(std::unique(examples.rows.begin(), examples.rows.end()), examples.rows.end());
  examples.hash = hash_of("examples", examples);
  return examples;
}

}  // namespace unroll::plan
