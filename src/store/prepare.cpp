// Taking a folder for a study: a new one, one that holds results of the same study, or of one that is extended.
#include <algorithm>
#include <filesystem>
#include <map>

#include "identity.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/changes.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kMaxShownLines = 3;
constexpr const char* kResultFolders[] = {"/journal", "/shards", "/stages", "/weights/kept", "/checkpoints"};

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

/// The plan so far becomes plans/<number>.txt. Ended in between, it is there twice, which does no harm.
void keep_plan(FileDoor& door, const std::string& folder, const Identity& there) {
  door.make_folders(plans_folder(folder));
  std::error_code error;
  std::string path;
  for (int number = 1; path.empty() || std::filesystem::exists(path, error); ++number) {
    path = plans_folder(folder) + '/' + std::to_string(number) + ".txt";
  }
  door.replace(path, plan_text(there));
}

bool holds_results(const std::string& folder) {
  return std::any_of(std::begin(kResultFolders), std::end(kResultFolders), [&](const char* part) {
    std::error_code error;
    const auto entries = std::filesystem::directory_iterator(folder + part, error);
    return !error && entries != std::filesystem::directory_iterator();
  });
}

void create(FileDoor& door, Leftovers& leftovers, const std::string& folder, const Identity& identity) {
  for (const char* name : {"/journal", "/shards", "/stages"}) {
    make_folder(door, leftovers, folder + name);
  }
  write(door, leftovers, numerics_path(folder), numerics_text(identity));
  write(door, leftovers, plan_path(folder), plan_text(identity));
}

/// Writes a file again that was lost; what to say of it.
std::string write_again(FileDoor& door, const std::string& path, FileState state, const std::string& text) {
  door.replace(path, text);
  return path + (state == FileState::missing ? ": was missing" : ": was damaged") +
         "; written again, for the shards are of this study";
}

/// Of a folder that holds results. What was lost of its two files is ours, if the shards say so.
std::vector<std::string> open(FileDoor& door, Leftovers& leftovers, const std::string& folder, const Identity& identity,
                              OtherStudy other) {
  const IdentityFiles files = look_at_identity(folder);
  const bool has_plan = files.plan == FileState::whole, has_numerics = files.numerics == FileState::whole;
  if (!has_plan || !has_numerics) {
    require_shards_of(folder, files, identity);
  }
  Identity there = has_plan ? files.identity : identity;
  there.numerics_key = has_numerics ? files.identity.numerics_key : identity.numerics_key;
  compare(folder, there, identity, other);
  probe(door, leftovers, folder);
  std::vector<std::string> damage;
  if (!has_numerics) {
    damage.push_back(write_again(door, numerics_path(folder), files.numerics, numerics_text(identity)));
  }
  if (!has_plan) {
    damage.push_back(write_again(door, plan_path(folder), files.plan, plan_text(identity)));
  } else if (there.plan_id != identity.plan_id) {
    keep_plan(door, folder, there);
    door.replace(plan_path(folder), plan_text(identity));
  }
  return damage;
}

}  // namespace

std::vector<std::string> prepare(const std::string& folder, const Identity& identity, OtherStudy other,
                                 FileDoor& door) {
  Leftovers leftovers(door);
  std::vector<std::string> damage;
  try {
    make_folder(door, leftovers, folder);
    std::error_code error;
    if (std::filesystem::exists(plan_path(folder), error) || holds_results(folder)) {
      damage = open(door, leftovers, folder, identity, other);
    } else {
      create(door, leftovers, folder, identity);
    }
  } catch (const FileError& error) {
    throw UsageError("--output " + folder + ": " + error.what() + "; give a folder that can be written");
  }
  leftovers.keep();
  return damage;
}

std::vector<std::string> prepare(const std::string& folder, const Identity& identity, OtherStudy other) {
  FileDoor door;
  return prepare(folder, identity, other, door);
}

}  // namespace unroll::store
