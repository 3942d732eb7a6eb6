#include "execute/checkpoint.hpp"

#include <algorithm>
#include <utility>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/model/archive.hpp"

namespace unroll::execute {
namespace {

constexpr double kFileDeadline_s = 30;  // for a file that a network file system does not show yet

struct File {
  std::string format = "unroll-checkpoint 1";
  std::string numerics_key;
  std::vector<SavedPart> parts;
  void transfer(Archive& archive) { archive(format, numerics_key, parts); }
};

}  // namespace

void PartTransfer::operator()(const std::string& name, const std::function<void(Archive&)>& transfer) {
  if (!is_loading()) {
    Archive archive;
    transfer(archive);
    part_.values[name] = archive.take();
    return;
  }
  const auto found = part_.values.find(name);
  if (found == part_.values.end()) {
    throw Error("the checkpoint of " + part_.id + " has no '" + name + "'");
  }
  Archive archive{std::span<const std::byte>(found->second)};
  transfer(archive);
  archive.finish();
}

void transfer_lane(Archive& archive, const learn::LanePack& pack, std::int64_t lane) {
  const auto state = pack.state(lane);
  transfer_in_place(archive, state.weights);
  transfer_in_place(archive, state.buffers);
  transfer_in_place(archive, pack.velocity(lane));
}

std::string part_name(const SavedPart& part) {
  auto name = part.id + ".t" + std::to_string(part.step);
  for (const auto& fork : part.forks) {
    name += '+' + fork;
  }
  return name;
}

std::optional<SavedPart> part_of_name(std::string_view name) {
  const auto fields = split(name, '+');
  const auto dot = fields[0].rfind(".t");
  const auto step = dot == std::string_view::npos ? std::nullopt : parse_integer(fields[0].substr(dot + 2));
  if (!step || *step < 0) {
    return std::nullopt;
  }
  SavedPart part;
  part.id = fields[0].substr(0, dot);
  part.step = *step;
  part.forks.assign(fields.begin() + 1, fields.end());
  return part;
}

Checkpoints::Checkpoints(std::string folder, store::Writer& writer, std::string numerics_key, double interval_s,
                         std::vector<store::KeptFile> found, Notice on_notice)
    : folder_(std::move(folder)),
      writer_(writer),
      numerics_key_(std::move(numerics_key)),
      interval_s_(interval_s),
      files_(std::move(found)),
      is_bad_(files_.size(), false),
      on_notice_(std::move(on_notice)) {
  for (std::size_t file = 0; file < files_.size(); ++file) {
    for (const auto& name : files_[file].names) {
      if (auto part = part_of_name(name)) {
        auto id = part->id;
        known_.emplace(std::move(id), Known{file, std::move(*part)});
      }
    }
  }
}

void Checkpoints::begin_chunk() {
  saved_at_ = std::chrono::steady_clock::now();
  current_.clear();
}

void Checkpoints::end_chunk() {
  if (!current_.empty()) {
    writer_.drop_checkpoint(std::exchange(current_, {}));
  }
}

bool Checkpoints::is_due(bool stopping) const {
  return interval_s_ > 0 &&
         (stopping || std::chrono::steady_clock::now() - saved_at_ >= std::chrono::duration<double>(interval_s_));
}

void Checkpoints::save(std::vector<SavedPart> parts) {
  std::vector<std::string> names;
  for (const auto& part : parts) {
    names.push_back(part_name(part));
  }
  File file;
  file.numerics_key = numerics_key_;
  file.parts = std::move(parts);
  Archive archive;
  archive(file);
  auto written = writer_.commit_checkpoint(names, archive.take());
  end_chunk();  // the one before
  current_ = std::move(written);
  saved_at_ = std::chrono::steady_clock::now();
}

std::optional<SavedPart> Checkpoints::load(const Known& known) {
  if (is_bad_[known.file]) {
    return std::nullopt;
  }
  if (loaded_file_ != known.file) {
    loaded_.clear();
    loaded_file_.reset();
    const auto bytes = store::read_checkpoint(folder_, files_[known.file], kFileDeadline_s);
    File file;
    if (bytes) {
      Archive archive{std::span<const std::byte>(*bytes)};
      archive(file);
      archive.finish();
    }
    if (!bytes || file.format != File().format || file.numerics_key != numerics_key_) {
      is_bad_[known.file] = true;
      on_notice_(store::checkpoint_folder(folder_) + '/' + files_[known.file].name +
                 (bytes ? ": this checkpoint is of another build or machine" : ": this checkpoint is damaged") +
                 "; what it held is trained from the start");
      return std::nullopt;
    }
    loaded_ = std::move(file.parts);
    loaded_file_ = known.file;
  }
  const auto part = std::find_if(loaded_.begin(), loaded_.end(), [&](const SavedPart& candidate) {
    return candidate.id == known.name.id && candidate.step == known.name.step && candidate.forks == known.name.forks;
  });
  return part == loaded_.end() ? std::nullopt : std::optional(*part);
}

std::vector<const Checkpoints::Known*> Checkpoints::latest_first(const std::string& id) const {
  std::vector<const Known*> candidates;
  const auto [begin, end] = known_.equal_range(id);
  for (auto known = begin; known != end; ++known) {
    candidates.push_back(&known->second);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Known* a, const Known* b) { return a->name.step > b->name.step; });
  return candidates;
}

std::optional<SavedPart> Checkpoints::find(const std::string& id) {
  for (const auto* candidate : latest_first(id)) {
    if (auto part = load(*candidate)) {
      return part;
    }
  }
  return std::nullopt;
}

std::vector<Checkpoints::Group> Checkpoints::groups_of(const plan::Tree& tree, const std::vector<std::size_t>& forks) {
  std::vector<Group> groups;
  if (forks.empty()) {
    groups.push_back({find(tree.id), {}});
    return groups;
  }
  auto left = forks;
  for (const auto* candidate : latest_first(tree.id)) {
    const auto& saved = candidate->name.forks;
    const auto here = std::stable_partition(left.begin(), left.end(), [&](std::size_t fork) {
      return std::find(saved.begin(), saved.end(), tree.forks[fork].id) == saved.end();
    });
    if (here == left.end()) {
      continue;
    }
    if (auto part = load(*candidate)) {
      groups.push_back({std::move(part), {here, left.end()}});
      left.erase(here, left.end());
    }
  }
  if (!left.empty()) {
    groups.push_back({std::nullopt, std::move(left)});
  }
  return groups;
}

}  // namespace unroll::execute
