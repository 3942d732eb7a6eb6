#include <sys/stat.h>
#include <zlib.h>

#include <functional>
#include <numeric>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "tar_maker.hpp"
#include "unroll/base/error.hpp"
#include "unroll/dataset/dataset.hpp"
#include "words.hpp"

namespace unroll::dataset {
namespace {

using test::tar_end;
using test::tar_entry;
using test::tar_header;
using test::TarHeader;

config::Settings::Data settings(const std::string& path, std::int64_t columns = 16) {
  config::Settings::Data data;
  data.dataset = config::Dataset::imdb;
  data.path = path;
  data.feature_columns = columns;
  return data;
}

std::string refusal(const std::string& path) {
  try {
    (void)load(settings(path));
  } catch (const UsageError& error) {
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    CHECK_THAT(message, Catch::Contains(path));
    return message;
  }
  return "accepted";
}

// 2 negative and 3 positive reviews to train on, out of order; one of each to test on.
const std::vector<std::pair<std::string, std::string>> kReviews = {{"train/pos/10_8.txt", "good good film"},
                                                                   {"train/neg/7_1.txt", "bad"},
                                                                   {"train/pos/2_10.txt", "fine"},
                                                                   {"train/neg/0_3.txt", "dull, dull"},
                                                                   {"train/pos/9_7.txt", "great plot"},
                                                                   {"test/neg/5_2.txt", "bad bad"},
                                                                   {"test/pos/1_9.txt", ""}};

std::string archive(const std::string& more = "", const std::string& root = "aclImdb/") {
  std::string bytes = tar_entry(root, "", '5') + tar_entry(root + "README", "about") +
                      tar_entry(root + "train/unsup/0_0.txt", "no label");
  for (const auto& [name, text] : kReviews) {
    bytes += tar_entry(root + name, text);
  }
  return bytes + more + tar_end();
}

std::string refusal_of(const std::string& bytes) {
  const TempFolder folder;
  return refusal(folder.write("x.tar", bytes));
}

std::string refusal_with(const std::string& more) { return refusal_of(archive(more)); }

std::vector<std::uint8_t> row(const std::string& text, std::size_t columns = 16) {
  std::vector<Term> terms;
  WordCounter(columns).count(text, terms);
  std::vector<std::uint8_t> counts(columns, 0);
  for (const Term& term : terms) {
    counts[term.column] = term.count;
  }
  return counts;
}

TEST_CASE("reviews alternate between negative and positive ones by the numbers of their files") {
  const TempFolder folder;
  const DataSet set = load(settings(folder.write("x.tar", archive())));

  CHECK(set.description.name == "imdb");
  CHECK(set.description.num_classes == 2);
  CHECK(set.description.shape == std::vector<std::int64_t>{16});
  CHECK(set.description.train_labels == std::vector<std::int32_t>{0, 1, 0, 1, 1});
  CHECK(set.description.test_labels == std::vector<std::int32_t>{0, 1});
  CHECK(set.holds_counts);
  std::vector<std::uint8_t> train;
  for (const char* text : {"dull dull", "fine", "bad", "great plot", "good good film"}) {
    const auto counts = row(text);
    train.insert(train.end(), counts.begin(), counts.end());
  }
  CHECK(std::get<std::vector<std::uint8_t>>(set.train_inputs) == train);
}

TEST_CASE("a folder, an archive and a packed archive are the same data") {
  const TempFolder folder;
  for (const auto& [name, text] : kReviews) {
    std::filesystem::create_directories(std::filesystem::path(folder / "in/aclImdb/" + name).parent_path());
    folder.write("in/aclImdb/" + name, text);
  }
  folder.write("in/aclImdb/train/neg/.hidden", std::string("passed over"));
  const gzFile packed = gzopen((folder / "x.tar.gz").c_str(), "wb");
  const std::string bytes = archive("", "./");
  gzwrite(packed, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(packed);
  const std::string hash = describe(settings(folder.write("x.tar", archive()))).content_hash;

  CHECK(describe(settings(folder / "x.tar.gz")).content_hash == hash);
  CHECK(describe(settings(folder / "in/aclImdb")).content_hash == hash);
  CHECK(describe(settings(folder / "in")).content_hash == hash);
  CHECK(describe(settings(folder / "in", 17)).content_hash != hash);
}

TEST_CASE("folders that do not fit are refused") {
  const TempFolder folder;
  CHECK_THAT(refusal(folder / "missing"), Catch::Contains("cannot be opened"));
  CHECK_THAT(refusal(folder.str()), Catch::Contains("needs train/neg, train/pos, test/neg and test/pos"));
  for (const auto& [name, text] : kReviews) {
    std::filesystem::create_directories(std::filesystem::path(folder / name).parent_path());
    folder.write(name, text);
  }
  CHECK(refusal(folder.str()) == "accepted");
  REQUIRE(mkfifo((folder / "train/neg/3_3.txt").c_str(), 0600) == 0);
  CHECK_THAT(refusal(folder / "."), Catch::Contains("3_3.txt: must be a file"));
  std::filesystem::remove(folder / "train/neg/3_3.txt");
  folder.write("train/neg/3_3.txt", std::string((1 << 20) + 1, 'a'));
  CHECK_THAT(refusal(folder.str()), Catch::Contains("more than the 1048576 bytes"));
}

TEST_CASE("reviews that are missing, misnamed or there twice are refused") {
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/7_2.txt", "bad")),
             Catch::Contains("train/neg holds number 7 more than once"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/8_11.txt", "bad")), Catch::Contains("'8_11.txt' must be named"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/8.txt", "bad")), Catch::Contains("must be named"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/_.txt", "bad")), Catch::Contains("must be named"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/.txt_", "bad")), Catch::Contains("accepted"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/1_.txt", "bad")), Catch::Contains("must be named"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/a\nb", "bad")), Catch::Contains("must be named"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/-1_2.txt", "bad")), Catch::Contains("must be named"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/9_2.txt", "", '2')), Catch::Contains("must be a file"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/train/neg/9_2.txt", std::string((1 << 20) + 1, 'a'))),
             Catch::Contains("at most 1048576 bytes"));
  CHECK_THAT(refusal_of(tar_entry("train/neg/0_1.txt", "bad") + tar_end()), Catch::Contains("no review in train/pos"));
  CHECK_THAT(refusal_of(tar_end()), Catch::Contains("no review in train/neg"));
  CHECK(refusal_with(tar_entry("../../etc/passwd", "root")) == "accepted");  // nothing that is read goes to its name
}

TEST_CASE("archives that are damaged are refused") {
  const std::string whole = archive();
  std::string wrong = whole;
  wrong[512 + 3] ^= 1;  // in the name of the second entry
  TarHeader huge = tar_header("aclImdb/imdb.vocab", 0);
  test::put(huge, 124, "77777777777");
  test::seal(huge);
  TarHeader negative = huge, beyond = huge, letters = huge;
  test::put(negative, 124, std::string(12, '\xff'));
  test::seal(negative);
  test::put(beyond, 124, '\x80' + std::string(11, '\x7f'));
  test::seal(beyond);
  test::put(letters, 124, "000000000x9");
  test::seal(letters);

  CHECK(refusal_of(whole) == "accepted");
  CHECK_THAT(refusal_of(wrong), Catch::Contains("a header is wrong"));
  CHECK_THAT(refusal_of("no archive at all"), Catch::Contains("cut short"));
  CHECK_THAT(refusal_of(std::string(4096, 'x')), Catch::Contains("is no tar archive"));
  CHECK_THAT(refusal_of(""), Catch::Contains("cut short"));
  CHECK_THAT(refusal_of(whole.substr(0, 1300)), Catch::Contains("cut short"));
  CHECK_THAT(refusal_of(whole.substr(0, whole.size() - 1024)), Catch::Contains("cut short"));
  CHECK_THAT(refusal_of(whole.substr(0, whole.size() - 512)), Catch::Contains("its end is missing"));
  CHECK_THAT(refusal_of(whole + "more"), Catch::Contains("goes on behind the end"));
  for (const TarHeader& header : {huge, negative, beyond, letters}) {
    CHECK_THAT(refusal_with(tar_entry(header, "")), Catch::Contains("'aclImdb/imdb.vocab' has a size that cannot be"));
  }
  CHECK_THAT(refusal_with(tar_entry("aclImdb/x", "content", '2')), Catch::Contains("is no file and has a content"));
  CHECK_THAT(refusal_with(tar_entry("aclImdb/x", "sparse", 'S')), Catch::Contains("of a kind"));
}

TEST_CASE("headers that rename what follows are obeyed or refused, never passed over") {
  const std::string review = tar_entry("aclImdb/other", "bad");
  const std::string name = "aclImdb/train/neg/7_1.txt";

  CHECK_THAT(refusal_with(tar_entry("././@LongLink", name + '\0', 'L') + review),
             Catch::Contains("number 7 more than"));
  CHECK(refusal_with(tar_entry("././@LongLink", "aclImdb/elsewhere", 'L') + tar_entry(name, "bad")) == "accepted");
  CHECK_THAT(refusal_with(tar_entry("././@LongLink", std::string(1 << 17, 'a'), 'L') + review),
             Catch::Contains("a long name of 131072 bytes"));
  CHECK(refusal_with(tar_entry("pax", "20 mtime=1234567.89\n", 'x') + review) == "accepted");
  for (const char* record : {"18 path=a/b/c/d/e\n", "9 size=3\n", "x\n", "99 mtime=1\n", "-1 mtime=1\n", "8 mtime\n",
                             "2 mtime=1\n", "12 mtime=1.5"}) {
    CHECK_THAT(refusal_with(tar_entry("pax", record, 'x') + review), Catch::Contains("renames or resizes"));
  }
}

TEST_CASE("no cut of an archive and no changed byte of its headers is read as other data") {
  const std::string whole = archive();
  const TempFolder folder;
  const std::string hash = describe(settings(folder.write("x.tar", whole))).content_hash;

  for (std::size_t size = 0; size < whole.size(); size += 101) {
    CHECK(refusal_of(whole.substr(0, size)) != "accepted");
  }
  for (std::size_t at = 0; at < 3 * 512; at += 7) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] + 1);
    const std::string path = folder.write("y.tar", changed);
    std::string read;
    try {
      read = describe(settings(path)).content_hash;
    } catch (const UsageError&) {
      continue;
    }
    CHECK(read == hash);  // the byte was of a text that is passed over
  }
}

TEST_CASE("words are runs of letters and digits, small, without the reviews' line breaks") {
  CHECK(row("Good, GOOD film!") == row("film good good"));
  CHECK(row("good<br /><br />film") == row("good film"));
  CHECK(row("<b>film</b>") == row("film"));  // words of one letter are left out
  CHECK(row("don't 'quoted'", 4096) != row("dont quoted", 4096));
  CHECK(row("'quoted' word's'", 4096) == row("quoted word's", 4096));
  CHECK(row("film's", 4096) != row("film", 4096));
  CHECK(row("clich\xc3\xa9", 4096) != row("clich", 4096));
  CHECK(row("") == std::vector<std::uint8_t>(16, 0));
}

TEST_CASE("a word's column is its folded FNV-1a hash, and its count stops at 255") {
  std::string many;
  for (int i = 0; i < 300; ++i) {
    many += "ab ";
  }
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const unsigned char letter : {'a', 'b'}) {
    hash = (hash ^ letter) * 0x100000001B3u;
  }
  const auto column = ((hash ^ (hash >> 32)) & 0xFFFFFFFFu) % 1000;

  CHECK(hash == 0x089C4407B545986Au);  // the published value of "ab"
  const auto counts = row(many, 1000);
  CHECK(counts.at(column) == 255);
  CHECK(std::accumulate(counts.begin(), counts.end(), 0) == 255);
}

TEST_CASE("the real reviews are 25,000 and 25,000, half of them positive") {
  const std::string path = std::string(UNROLL_SOURCE_DIR) + "/../shared/data/imdb/aclImdb_labelled.tar.gz";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: no " << path);
    return;
  }
  const DataSet set = load(settings(path, 768));

  CHECK(set.description.num_train == 25000);
  CHECK(set.description.num_test == 25000);
  for (std::size_t i = 0; i < 25000; ++i) {
    if (set.description.train_labels[i] != static_cast<std::int32_t>(i % 2)) {
      FAIL_CHECK("label of row " << i);
    }
  }
  std::int64_t num_words = 0;
  for (const std::uint8_t count : std::get<std::vector<std::uint8_t>>(set.train_inputs)) {
    num_words += count;
  }
  CHECK(num_words / 25000 == 223);  // a separate count of the same words, by regular expressions: 223.07 a review
}

}  // namespace
}  // namespace unroll::dataset
