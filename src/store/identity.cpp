#include "identity.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "shard.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/changes.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::store {
namespace {

constexpr std::string_view kPlanHead = "unroll-plan 1\nplan_id=";
constexpr std::string_view kNumericsHead = "unroll-numerics 1\n";
constexpr std::size_t kMaxShownLines = 3;

std::string plan_path(const std::string& folder) { return folder + "/plan.txt"; }
std::string plans_folder(const std::string& folder) { return folder + "/plans"; }
std::string numerics_path(const std::string& folder) { return folder + "/numerics.txt"; }

std::optional<std::string> read_text(const std::string& path) {
  const std::optional<std::vector<std::byte>> bytes = read_file(path);
  return bytes ? std::optional(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size())) : std::nullopt;
}

// "there: a; here: b" for the parts in which two texts differ, without regard to their order.
std::string difference(std::string_view there, std::string_view here, char separator) {
  std::map<std::string_view, int> balance;
  for (const std::string_view part : split(there, separator)) {
    ++balance[part];
  }
  for (const std::string_view part : split(here, separator)) {
    --balance[part];
  }
  const auto side = [&](int sign) {
    std::vector<std::string> parts;
    std::size_t num_more = 0;
    for (const auto& [part, count] : balance) {
      if (count * sign > 0) {
        parts.size() < kMaxShownLines ? parts.push_back(printable(part)) : void(++num_more);
      }
    }
    const std::string more = num_more > 0 ? " and " + std::to_string(num_more) + " more lines" : "";
    return parts.empty() ? "nothing" : join(parts, ", ") + more;
  };
  return "there: " + side(1) + "; here: " + side(-1);
}

void compare(const std::string& folder, const Identity& there, const Identity& here, OtherStudy other) {
  const std::string advice = "; give another --output";
  if (other == OtherStudy::refuse && there.scientific_text != here.scientific_text) {
    throw UsageError(folder + ": holds the results of another study (" +
                     config::changes(there.scientific_text, here.scientific_text) + ")" + advice +
                     ", or --extend if this study has all runs of that one and more");
  }
  if (other == OtherStudy::refuse && there.plan_id != here.plan_id) {
    throw UsageError(folder + ": holds results of the same settings on other data or input files" + advice);
  }
  if (there.numerics_key != here.numerics_key) {
    throw UsageError(folder + ": holds results of other numerics (" +
                     difference(there.numerics_key, here.numerics_key, ';') + "), whose bits would not match" + advice);
  }
}

// Files and folders that go again unless kept.
class Leftovers {
 public:
  explicit Leftovers(FileDoor& door) : door_(door) {}
  ~Leftovers() {
    std::for_each(paths_.rbegin(), paths_.rend(), [this](const auto& path) { door_.remove(path); });
  }
  Leftovers(const Leftovers&) = delete;
  Leftovers& operator=(const Leftovers&) = delete;
  void add(const std::string& path) { paths_.push_back(path); }
  void keep() { paths_.clear(); }

 private:
  FileDoor& door_;
  std::vector<std::string> paths_;
};

void make_folder(FileDoor& door, Leftovers& leftovers, const std::string& path) {
  for (const std::string& folder : door.make_folders(path)) {
    leftovers.add(folder);
  }
}

void write(FileDoor& door, Leftovers& leftovers, const std::string& path, const std::string& text) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    leftovers.add(path);
  }
  door.replace(path, text);
}

void probe(FileDoor& door, Leftovers& leftovers, const std::string& folder) {
  const std::string path = folder + "/.tmp-probe";
  leftovers.add(path);
  door.replace(path, "can this folder be written?\n");
  door.remove(path);
}

std::string plan_text(const Identity& identity) {
  return std::string(kPlanHead) + identity.plan_id + '\n' + identity.scientific_text;
}

/// The plan so far becomes plans/<number>.txt. Ended in between, it is there twice, which does no harm.
void keep_plan(FileDoor& door, const std::string& folder) {
  door.make_folders(plans_folder(folder));
  std::error_code error;
  std::string path;
  for (int number = 1; path.empty() || std::filesystem::exists(path, error); ++number) {
    path = plans_folder(folder) + '/' + std::to_string(number) + ".txt";
  }
  door.replace(path, *read_text(plan_path(folder)));
}

/// "unroll-plan 1\nplan_id=<id>\n<settings>"; the id.
std::optional<std::string> plan_id_in(const std::string& text) {
  const std::size_t line_end = text.find('\n', kPlanHead.size());
  if (!text.starts_with(kPlanHead) || line_end == std::string::npos) {
    return std::nullopt;
  }
  return text.substr(kPlanHead.size(), line_end - kPlanHead.size());
}

}  // namespace

std::set<std::string> earlier_plan_ids(const std::string& folder) {
  std::set<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(plans_folder(folder), error)) {
    const auto text = read_text(entry.path().string());
    if (const auto id = text ? plan_id_in(*text) : std::nullopt) {
      ids.insert(*id);
    }
  }
  return ids;
}

std::optional<Identity> read_identity(const std::string& folder) {
  const std::optional<std::string> plan = read_text(plan_path(folder));
  if (!plan) {
    return std::nullopt;
  }
  const std::optional<std::string> numerics = read_text(numerics_path(folder));
  const auto plan_id = plan_id_in(*plan);
  if (!plan_id) {
    throw UsageError(plan_path(folder) + ": is damaged or of another version; give another --output");
  }
  if (!numerics || !numerics->starts_with(kNumericsHead) || !numerics->ends_with('\n')) {
    throw UsageError(numerics_path(folder) + ": is missing or damaged; give another --output");
  }
  return Identity{plan->substr(kPlanHead.size() + plan_id->size() + 1), *plan_id,
                  numerics->substr(kNumericsHead.size(), numerics->size() - kNumericsHead.size() - 1)};
}

void prepare(const std::string& folder, const Identity& identity, OtherStudy other, FileDoor& door) {
  Leftovers leftovers(door);
  try {
    make_folder(door, leftovers, folder);
    if (const std::optional<Identity> there = read_identity(folder)) {
      compare(folder, *there, identity, other);
      probe(door, leftovers, folder);
      if (there->plan_id != identity.plan_id) {
        keep_plan(door, folder);
        door.replace(plan_path(folder), plan_text(identity));
      }
    } else {
      for (const char* name : {"/journal", "/shards", "/stages"}) {
        make_folder(door, leftovers, folder + name);
      }
      write(door, leftovers, numerics_path(folder), std::string(kNumericsHead) + identity.numerics_key + '\n');
      write(door, leftovers, plan_path(folder), plan_text(identity));
    }
  } catch (const FileError& error) {
    throw UsageError("--output " + folder + ": " + error.what() + "; give a folder that can be written");
  }
  leftovers.keep();
}

void prepare(const std::string& folder, const Identity& identity, OtherStudy other) {
  FileDoor door;
  prepare(folder, identity, other, door);
}

}  // namespace unroll::store
