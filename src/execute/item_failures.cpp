// What becomes of items whose training fails.
#include <c10/util/Exception.h>
#include <torch/types.h>

#include <algorithm>
#include <new>
#include <set>

#include "execute/item_runner.hpp"
#include "unroll/base/text.hpp"
#include "unroll/execute/stop.hpp"
#include "unroll/store/attempt.hpp"

namespace unroll::execute {
namespace {

constexpr std::string_view kFailed = "failed: ";  // how the digest of a stage starts that there is none of

struct Reason {
  std::string text;
  bool is_memory = false;
};

Reason reason_of(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return {"out of memory", true};
  }
  const std::string_view what = error.what();
  const std::string line(trim(what.substr(0, what.find('\n'))));  // LibTorch's errors go on with a backtrace
  const bool is_memory = dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
                         line.find("can't allocate memory") != std::string::npos;
  return {line, is_memory};
}

/// What is recorded for a tree's item: its runs, and the models that groups may wait for.
std::vector<std::string> ids_of(const plan::Plan& plan, const plan::Item& item) {
  const plan::Tree& tree = plan.trees[item.index];
  std::vector<std::string> ids;
  for (const std::size_t run : tree.runs) {
    if (std::binary_search(item.forks.begin(), item.forks.end(), plan.runs[run].fork)) {
      ids.push_back(plan.runs[run].id);
    }
  }
  for (const std::size_t fork : item.forks) {
    ids.push_back(tree.forks[fork].id);
  }
  ids.push_back(tree.id);
  return ids;
}

}  // namespace

std::vector<std::size_t> ItemRunner::without_orphans(const std::vector<std::size_t>& items, const Fail& fail) {
  std::vector<std::size_t> others;
  for (const std::size_t item : items) {
    std::string reason;
    for (const std::size_t before : items_[item].depends) {
      const std::string& digest = digest_of(item, before);
      if (digest.starts_with(kFailed)) {
        const bool is_repeat = items_[before].kind == plan::ItemKind::repeat;
        reason = std::string(is_repeat ? "its repeat" : "its pretraining") + ' ' + digest;
      }
    }
    reason.empty() ? others.push_back(item) : record_failure(item, reason, fail);
  }
  return others;
}

void ItemRunner::run_or_divide(const std::vector<std::size_t>& all, const Finish& finish, const Fail& fail) {
  auto items = without_orphans(all, fail);
  if (items.empty()) {
    return;
  }
  const std::string& key = items_[items.front()].pack_key;
  const auto most = most_items_.find(key);
  Reason reason;
  if (most == most_items_.end() || items.size() <= most->second) {
    std::set<std::size_t> finished;
    try {
      run_items(items, [&](std::size_t item, const std::string& digest) {
        finished.insert(item);
        finish(item, digest);
      });
      return;
    } catch (const Stopped&) {
      throw;
    } catch (const store::FileError&) {
      throw;
    } catch (const store::Superseded&) {
      throw;
    } catch (const std::exception& error) {
      reason = reason_of(error);
    }
    check_device();
    std::erase_if(items, [&](std::size_t item) { return finished.contains(item); });
    if (reason.is_memory && items.size() > 1) {
      most_items_[key] = items.size() / 2;
    }
  }
  if (items.size() == 1) {
    record_failure(items.front(), reason.text, fail);
  } else if (!items.empty()) {
    const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
    for (const auto& half : {std::vector(items.begin(), middle), std::vector(middle, items.end())}) {
      tell_try_(half);
      run_or_divide(half, finish, fail);
    }
  }
}

void ItemRunner::record_failure(std::size_t index, const std::string& reason, const Fail& fail) {
  const plan::Item& item = items_[index];
  if (item.kind == plan::ItemKind::tree) {
    std::vector<store::Failure> failures;
    for (std::string& id : ids_of(context_.plan(), item)) {
      failures.push_back({std::move(id), reason});
    }
    writer_.commit_failures(failures);
  }
  fail(index, std::string(kFailed) + reason, reason);
}

void ItemRunner::check_device() const {
  if (context_.device().is_cuda()) {
    const auto one = torch::ones({1}, torch::TensorOptions().device(context_.device()));
    if ((one + one).item<float>() != 2) {
      throw Error("the GPU of this rank computes no more");
    }
  }
}

}  // namespace unroll::execute
