// Features that are fitted: on the rows that pretrain, which F is not among, and for each split anew.
#include "execute/laboratory.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::execute;

namespace {

constexpr std::int64_t kRows = 60, kTestRows = 12, kColumns = 19;

/// Word counts, most of them 0, two classes by turns.
std::vector<std::uint8_t> random_counts(std::int64_t num_rows, std::uint64_t part) {
  const RandomStream stream(5, "counts");
  std::vector<std::uint8_t> counts;
  for (std::int64_t i = 0; i < num_rows * kColumns; ++i) {
    const auto bits = stream.bits(part, static_cast<std::uint64_t>(i));
    counts.push_back(bits % 4 == 0 ? static_cast<std::uint8_t>(1 + (bits >> 8) % 9) : std::uint8_t{0});
  }
  return counts;
}

std::shared_ptr<dataset::DataSet> reviews() {
  auto set = std::make_shared<dataset::DataSet>();
  set->description.name = "imdb";
  set->description.num_train = kRows;
  set->description.num_test = kTestRows;
  set->description.num_classes = 2;
  set->description.shape = {kColumns};
  set->description.content_hash = "reviews";
  for (std::int64_t row = 0; row < kRows; ++row) {
    set->description.train_labels.push_back(static_cast<std::int32_t>(row % 2));
  }
  set->description.test_labels.assign(kTestRows, 1);
  set->train_inputs = random_counts(kRows, 0);
  set->test_inputs = random_counts(kTestRows, 1);
  set->holds_counts = true;
  return set;
}

/// Other counts and labels in these training rows.
SharedSet with_other(const dataset::DataSet& set, const std::vector<std::int64_t>& rows) {
  auto changed = std::make_shared<dataset::DataSet>(set);
  const auto other = random_counts(kRows, 2);
  auto& counts = std::get<std::vector<std::uint8_t>>(changed->train_inputs);
  for (const auto row : rows) {
    std::copy_n(other.begin() + row * kColumns, kColumns, counts.begin() + row * kColumns);
    auto& label = changed->description.train_labels[static_cast<std::size_t>(row)];
    label = 1 - label;
  }
  return changed;
}

std::string ini_of(const std::string& pretrain_on, const std::string& features, const std::string& forget,
                   const std::string& seeds = "3") {
  return "[study]\nname = features\nseeds = " + seeds + "\n[data]\ndataset = imdb\npath = none\nfeature_columns = 19" +
         "\nfeatures = " + features +
         "\n[model]\narch = linear\n[order]\nkind = shuffled\n[pretrain]\non = " + pretrain_on +
         "\nepochs = 1\nbatch = 7\nlr = 0.5\n[train]\nepochs = 2\nbatch = 6\nlr = 0.5\n[forget]\n" + forget +
         "\n[measure]\nsigma = none\none_hvp = no\n[output]\nweights = final\n";
}

TEST_CASE("features fitted on data never see the forget set") {
  const auto set = reviews();
  for (const std::string on : {"split", "retain"}) {
    for (const std::string forget : {"kind = batch\nindex = 1, 0", "kind = examples\nindex = [2 5], [1 4]"}) {
      CAPTURE(on, forget);
      const Laboratory lab(set, ini_of(on, "tfidf", forget));
      const auto &run = lab.plan().runs.front(), &other = lab.plan().runs.back();
      const auto clean = lab.run(set), changed = lab.run(with_other(*set, lab.forgotten_rows(run)));

      const auto same = [&](const std::string& file) {
        return same_bits(clean.files.at(file), changed.files.at(file));
      };
      CHECK(same(lab.retrained_file(run)));
      CHECK_FALSE(same(lab.original_file(run)));
      CHECK_FALSE(same(lab.retrained_file(other)));
    }
  }
}

TEST_CASE("splits of other seeds are other fits, and packs keep them apart") {
  const auto set = reviews();
  const Laboratory lab(set, ini_of("split", "tfidf", "kind = batch\nindex = 0, 2", "0..2"));

  const auto together = lab.run(set, Packing::together), alone = lab.run(set, Packing::alone);

  REQUIRE(together.files.size() == alone.files.size());
  for (const auto& [path, file] : together.files) {
    CHECK(same_bits(file, alone.files.at(path)));
  }
}

TEST_CASE("a rank's data follow the fit of the tree at hand") {
  const auto set = reviews();
  const Laboratory lab(set, ini_of("split", "tfidf", "kind = batch", "0, 1"));
  Context context(lab.plan());
  context.use_data(set);
  const auto features = [&](const plan::Tree& tree) {
    const auto data = context.data(tree);
    std::vector<float> row(kColumns);
    data->gather_inputs(data::Part::train, std::vector<std::int64_t>{4}, row.data());
    return row;
  };
  const auto expected = [&](const plan::Tree& tree) {
    const auto rows = lab.plan().pretrain_rows(lab.plan().pretrainings[tree.pretraining]);
    std::vector<float> row(kColumns);
    dataset::inverse_document_frequencies(*set, *rows)
        .apply(std::span(std::get<std::vector<std::uint8_t>>(set->train_inputs)).subspan(4 * kColumns, kColumns),
               row.data());
    return row;
  };
  const auto& trees = lab.plan().trees;

  REQUIRE(trees.size() == 2);
  CHECK(features(trees[0]) == expected(trees[0]));
  CHECK(features(trees[1]) == expected(trees[1]));
  CHECK(features(trees[0]) == expected(trees[0]));
  CHECK(expected(trees[0]) != expected(trees[1]));
  CHECK(context.data(trees[1]) == context.data(lab.plan().pretrainings[trees[1].pretraining]));
}

TEST_CASE("tfidf and bow are other stages, with other weights") {
  const auto set = reviews();
  const Laboratory fitted(set, ini_of("split", "tfidf", "kind = batch")),
      plain(set, ini_of("split", "bow", "kind = batch"));
  const auto &run = fitted.plan().runs.front(), &other = plain.plan().runs.front();

  CHECK(fitted.original_file(run) != plain.original_file(other));
  CHECK_FALSE(same_bits(fitted.run(set).files.at(fitted.original_file(run)),
                        plain.run(set).files.at(plain.original_file(other))));
}

}  // namespace
