#include "identity.hpp"

#include <algorithm>
#include <filesystem>

#include "sealed.hpp"
#include "shard.hpp"

namespace unroll::store {
namespace {

constexpr std::string_view kPlanHead = "unroll-plan 2\nplan_id=";
constexpr std::string_view kNumericsHead = "unroll-numerics 2\n";

std::optional<std::string> read_text(const std::string& path) {
  const std::optional<std::vector<std::byte>> bytes = read_file(path);
  return bytes ? std::optional(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size())) : std::nullopt;
}

/// "unroll-plan 2\nplan_id=<id>\n<settings>crc32=<digits>\n"; nullopt: damaged.
std::optional<Identity> plan_in(const std::string& text) {
  const auto body = unsealed(text);
  const std::size_t line_end = body && body->starts_with(kPlanHead) ? body->find('\n', kPlanHead.size()) : text.npos;
  if (line_end == text.npos) {
    return std::nullopt;
  }
  return Identity{std::string(body->substr(line_end + 1)),
                  std::string(body->substr(kPlanHead.size(), line_end - kPlanHead.size())), ""};
}

/// "unroll-numerics 2\n<key>\ncrc32=<digits>\n"; nullopt: damaged.
std::optional<std::string> key_in(const std::string& text) {
  const auto body = unsealed(text);
  if (!body || !body->starts_with(kNumericsHead) || !body->ends_with('\n')) {
    return std::nullopt;
  }
  return std::string(body->substr(kNumericsHead.size(), body->size() - kNumericsHead.size() - 1));
}

/// Calls use(name, plan) for each file of DIR/plans, in no order.
template <typename Use>
void for_each_plan(const std::string& folder, const Use& use) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(plans_folder(folder), error)) {
    const auto text = read_text(entry.path().string());
    use(entry.path().filename().string(), text ? plan_in(*text) : std::nullopt);
  }
}

}  // namespace

std::string plan_path(const std::string& folder) { return folder + "/plan.txt"; }
std::string plans_folder(const std::string& folder) { return folder + "/plans"; }
std::string numerics_path(const std::string& folder) { return folder + "/numerics.txt"; }

std::string plan_text(const Identity& identity) {
  return sealed(std::string(kPlanHead) + identity.plan_id + '\n' + identity.scientific_text);
}

std::string numerics_text(const Identity& identity) {
  return sealed(std::string(kNumericsHead) + identity.numerics_key + '\n');
}

std::set<std::string> earlier_plan_ids(const std::string& folder) {
  std::set<std::string> ids;
  for_each_plan(folder, [&](const std::string&, const std::optional<Identity>& plan) {
    if (plan) {
      ids.insert(plan->plan_id);
    }
  });
  return ids;
}

std::vector<std::string> damaged_plans(const std::string& folder) {
  std::vector<std::string> names;
  for_each_plan(folder, [&](const std::string& name, const std::optional<Identity>& plan) {
    if (!plan && !name.starts_with('.')) {
      names.push_back(name);
    }
  });
  std::sort(names.begin(), names.end());
  return names;
}

IdentityFiles look_at_identity(const std::string& folder) {
  IdentityFiles files;
  if (const auto text = read_text(plan_path(folder))) {
    const auto plan = plan_in(*text);
    files.plan = plan ? FileState::whole : FileState::damaged;
    files.identity = plan.value_or(Identity{});
  }
  if (const auto text = read_text(numerics_path(folder))) {
    const auto key = key_in(*text);
    files.numerics = key ? FileState::whole : FileState::damaged;
    files.identity.numerics_key = key.value_or("");
  }
  return files;
}

std::optional<Identity> read_identity(const std::string& folder) {
  const IdentityFiles files = look_at_identity(folder);
  const std::string advice = "; start its study again, which writes it again, or give another folder";
  if (files.plan == FileState::missing) {
    return std::nullopt;
  }
  if (files.plan == FileState::damaged) {
    throw UsageError(plan_path(folder) + ": is damaged or of another version" + advice);
  }
  if (files.numerics != FileState::whole) {
    throw UsageError(numerics_path(folder) + ": is missing, damaged or of another version" + advice);
  }
  return files.identity;
}

}  // namespace unroll::store
