// Checkpoints: training that is left after any step, saved, and taken up in another packing ends with the same bits as
// training that was never left.
#include "execute/checkpoint.hpp"

#include <filesystem>
#include <fstream>
#include <set>

#include "execute/archive_rows.hpp"
#include "execute/laboratory.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::execute;

namespace {

/// Every kind of state that training gathers: velocities, BatchNorm statistics (resnet18), snapshots and running sums
/// of methods, estimates, rolling means and warm starts of curvature, logits, a twin, controls, re-batched retrains.
std::string ini_of(const std::string& model, const std::string& more) {
  return R"([study]
name = checkpoints
seeds = 0, 1
[pretrain]
epochs = 1
batch = 13
[loss]
kind = sd
gamma = 2
[measure]
sigma_every = 2
warm_start = yes
lanczos_steps = 2
hessian = first:4
layers = yes
[noise]
ulp = yes
[output]
weights = final
logits = yes
[model]
)" + model +
         more;
}

constexpr const char* kDigits = R"([data]
dataset = optdigits
[order]
kind = shuffled
[train]
batch = 15
steps = 6
lr = 0.05
momentum = 0.9
weight_decay = 0.001
)";

struct Left {};  // the rank went away

/// All that a study left, as bytes, in an order that depends on nothing but ids.
struct Leavings {
  std::map<std::string, std::vector<std::byte>> files;
  std::vector<record::PairRow> pairs;
  std::vector<record::LayerRow> layers;
  std::vector<record::CurveRow> curves;
  std::vector<record::TwinRow> twins;
  std::vector<std::string> runs;
  std::int64_t model_steps = 0;

  void add(PackResult result) {
    for (auto& record : result.records) {
      const auto append = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
      append(pairs, record.pairs);
      append(layers, record.layers);
      append(curves, record.curves);
      append(twins, record.twins);
      for (const auto& run : record.runs) {
        runs.push_back(run.run_id + run.status + run.reason);
      }
    }
    for (const auto steps : result.model_steps) {
      model_steps += steps;
    }
  }

  /// One text a row, each once: M's rows come from every part of a tree.
  [[nodiscard]] std::set<std::string> rows() const {
    std::set<std::string> all(runs.begin(), runs.end());
    const auto add = [&](const auto& table, auto columns) {
      for (const auto& row : table) {
        std::vector one{row};
        Archive archive;
        transfer_rows(archive, one, columns);
        const auto bytes = archive.take();
        all.emplace(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      }
    };
    add(pairs, record::pair_columns());
    add(layers, record::layer_columns());
    add(curves, record::curve_columns());
    add(twins, record::twin_columns());
    return all;
  }
};

class Study {
 public:
  Study(SharedSet set, const std::string& ini) : laboratory_(set, ini), context_(laboratory_.plan()) {
    context_.use_data(std::move(set));
    packs_ = laboratory_.packs(context_, Packing::together);
  }

  Leavings undisturbed() {
    Leavings leavings;
    for (const auto& [key, starts] : packs_) {
      train(starts, leavings, [](const Save&) {});
    }
    return leavings;
  }

  /// Every pack is left after so many steps, and goes on tree by tree, the forks of each in two parts.
  Leavings interrupted(std::int64_t after) {
    Leavings leavings;
    for (const auto& [key, starts] : packs_) {
      std::vector<std::byte> file;
      std::int64_t steps = 0;
      try {
        train(starts, leavings, [&](const Save& save) {
          if (++steps == after) {
            auto parts = save();
            Archive archive;
            archive(parts);
            file = archive.take();
            throw Left();
          }
        });
      } catch (const Left&) {
        std::vector<SavedPart> parts;
        Archive archive{std::span<const std::byte>(file)};
        archive(parts);
        archive.finish();
        go_on(starts, parts, leavings);
      }
    }
    return leavings;
  }

  [[nodiscard]] std::size_t num_packs() const { return packs_.size(); }

 private:
  void go_on(const std::vector<TreeStart>& starts, const std::vector<SavedPart>& parts, Leavings& leavings) {
    REQUIRE(parts.size() == starts.size());
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const auto& forks = starts[i].forks;
      const auto half = forks.begin() + std::ssize(forks) / 2;
      for (const auto& some : {std::vector<std::size_t>(half, forks.end()), std::vector(forks.begin(), half)}) {
        if (!some.empty()) {
          auto start = starts[i];
          start.forks = some;
          start.saved = parts[i];
          train({std::move(start)}, leavings, [](const Save&) {});
        }
      }
    }
  }

  void train(std::vector<TreeStart> starts, Leavings& leavings, const Between& between) {
    leavings.add(run_trees(
        context_, std::move(starts),
        [&](const std::string& path, const hdf5::ArrayFile& file) { leavings.files[path] = hdf5::to_image(file); },
        between));
  }

  Laboratory laboratory_;
  Context context_;
  Laboratory::Packs packs_;
};

/// At every `stride`-th step; how many were tried.
std::int64_t check(const std::string& name, const SharedSet& set, const std::string& ini, std::int64_t num_steps,
                   std::int64_t stride = 1) {
  Study study(set, ini);
  const auto wanted = study.undisturbed();
  REQUIRE_FALSE(wanted.pairs.empty());
  REQUIRE_FALSE(wanted.curves.empty());
  REQUIRE_FALSE(wanted.twins.empty());
  const auto rows = wanted.rows();
  std::int64_t tried = 0;
  for (std::int64_t after = 1; after <= num_steps + 1; after += stride, ++tried) {
    INFO(name << ", left after step " << after);
    const auto leavings = study.interrupted(after);
    const bool are_rows_same = leavings.rows() == rows;
    CHECK(are_rows_same);
    const bool are_files_same = leavings.files == wanted.files;
    CHECK(are_files_same);
  }
  return tried;
}

}  // namespace

TEST_CASE("Left after any step and taken up in other packs, training ends with the same bits") {
  const auto set = digits(160);
  std::int64_t tried = 0;
  for (const std::string model : {"arch = linear\n", "arch = mlp\nhidden = [9 5]\ndtype = float64\n", "arch = mlp\n"}) {
    tried += check(model + "rules", set,
                   ini_of(model, std::string(kDigits) +
                                     "[study]\nexclude = forget.kind=ghost & forget.index=1\n"
                                     "exclude = forget.kind=none & forget.index=1\n"
                                     "[forget]\nkind = batch, examples, class, ghost, none\nindex = 0, 1\n"
                                     "[unlearn]\nrule = epoch-scaled, checkpoint, final-weights\ncheckpoint_every = 2\n"
                                     "[measure]\nsteps = 1, 3, 6\n"),
                   6);
    tried +=
        check(model + "retrains", set,
              ini_of(model, std::string(kDigits) + "[forget]\nkind = examples\nindex = [0 17 40], 1\n"
                                                   "[retrain]\nkind = coupled, fresh\nskip = coast\n"
                                                   "[unlearn]\nrule = grad-list\ngradient_at = pre-step, post-step\n"
                                                   "[measure]\nevery = 2\n"),
              6);
  }
  WARN("checkpoints tried: " << tried << ", none changed a bit");
}

TEST_CASE("Left after any step, a net with BatchNorm ends with the same bits", "[.slow]") {
  const auto more = R"([data]
dataset = optdigits
[train]
batch = 4
steps = 3
lr = 0.01
momentum = 0.9
[forget]
kind = batch
index = 0, 1
[measure]
steps = 1, 3
eval_rows = 6
)";
  const auto tried = check("resnet18", images(16), ini_of("arch = resnet18\n", more), 3);
  WARN("checkpoints tried: " << tried << ", none changed a bit");
}
