#include <zlib.h>

#include <chrono>
#include <functional>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"
#include "unroll/dataset/dataset.hpp"

namespace unroll::dataset {
namespace {

using config::Dataset;
using Bytes = std::vector<std::uint8_t>;

config::Settings::Data settings(Dataset dataset, const std::string& path = "") {
  config::Settings::Data data;
  data.dataset = dataset;
  data.path = path;
  return data;
}

std::string shared(const std::string& folder) { return std::string(UNROLL_SOURCE_DIR) + "/../shared/data/" + folder; }

bool has_shared(const std::string& folder) {
  if (std::filesystem::is_directory(shared(folder))) {
    return true;
  }
  WARN("skipped: no " << shared(folder));
  return false;
}

const Bytes& bytes_of(const Inputs& inputs) { return std::get<Bytes>(inputs); }

std::string refusal(const config::Settings::Data& data) {
  try {
    (void)load(data);
  } catch (const UsageError& error) {
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "accepted";
}

Bytes idx_images(std::uint8_t rows, std::size_t present) {
  Bytes bytes = {0, 0, 8, 3, 0, 0, 0, rows, 0, 0, 0, 28, 0, 0, 0, 28};
  bytes.resize(16 + present * 784, 9);
  return bytes;
}

Bytes idx_labels(const Bytes& labels) {
  Bytes bytes = {0, 0, 8, 1, 0, 0, 0, static_cast<std::uint8_t>(labels.size())};
  for (const std::uint8_t label : labels) {
    bytes.push_back(label);
  }
  return bytes;
}

// A small MNIST: 3 training and 2 test rows.
void write_idx(const TempFolder& folder) {
  folder.write("train-images-idx3-ubyte", idx_images(3, 3));
  folder.write("train-labels-idx1-ubyte", idx_labels({0, 9, 4}));
  folder.write("t10k-images-idx3-ubyte", idx_images(2, 2));
  folder.write("t10k-labels-idx1-ubyte", idx_labels({1, 2}));
}

Bytes cifar_rows(const Bytes& labels, std::size_t labels_per_row) {
  Bytes bytes;
  for (std::size_t i = 0; i < labels.size(); i += labels_per_row) {
    bytes.insert(bytes.end(), labels.begin() + static_cast<std::ptrdiff_t>(i),
                 labels.begin() + static_cast<std::ptrdiff_t>(i + labels_per_row));
    bytes.insert(bytes.end(), 3072, static_cast<std::uint8_t>(i));
  }
  return bytes;
}

TEST_CASE("the embedded optdigits are the 3,823 and 1,797 rows of UCI") {
  const DataSet set = load(settings(Dataset::optdigits));

  CHECK(set.description.num_train == 3823);
  CHECK(set.description.num_test == 1797);
  CHECK(set.description.num_classes == 10);
  CHECK(set.description.shape == std::vector<std::int64_t>{64});
  CHECK(set.scale == 1.0 / 16);
  std::vector<int> train_counts(10), test_counts(10);
  for (const std::int32_t label : set.description.train_labels) {
    ++train_counts.at(static_cast<std::size_t>(label));
  }
  for (const std::int32_t label : set.description.test_labels) {
    ++test_counts.at(static_cast<std::size_t>(label));
  }
  CHECK(train_counts == std::vector<int>{376, 389, 380, 389, 387, 376, 377, 387, 380, 382});
  CHECK(test_counts == std::vector<int>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
  CHECK(bytes_of(set.train_inputs).size() == 3823 * 64);
  CHECK(bytes_of(set.test_inputs).size() == 1797 * 64);
}

TEST_CASE("the embedded optdigits equal the files they were made from") {
  if (!has_shared("optdigits")) {
    return;
  }
  const DataSet embedded = load(settings(Dataset::optdigits));
  const DataSet read = load(settings(Dataset::optdigits, shared("optdigits")));

  CHECK(embedded.description.content_hash == read.description.content_hash);
  CHECK(embedded.train_inputs == read.train_inputs);
  CHECK(embedded.test_inputs == read.test_inputs);
}

TEST_CASE("describing says what loading says") {
  config::Settings::Data data = settings(Dataset::optdigits);
  data.train_size = 100;
  const Description description = describe(data);

  CHECK(description.num_train == 100);
  CHECK(description.train_labels.size() == 100);
  CHECK(description.content_hash == load(data).description.content_hash);
  CHECK(description.content_hash != describe(settings(Dataset::optdigits)).content_hash);
}

TEST_CASE("sizes cut to the first rows and never beyond what is there") {
  config::Settings::Data data = settings(Dataset::optdigits);
  data.train_size = 10;
  data.test_size = 1797;
  const DataSet set = load(data);

  CHECK(bytes_of(set.train_inputs).size() == 640);
  CHECK(set.description.num_test == 1797);
  data.train_size = 3824;
  CHECK_THAT(refusal(data), Catch::Contains("data.train_size = 3824: must be in 1..3823"));
  data.train_size = 0;
  CHECK_THAT(refusal(data), Catch::Contains("data.train_size = 0"));
  data.train_size = 1;
  data.test_size = 5000;
  CHECK_THAT(refusal(data), Catch::Contains("data.test_size = 5000"));
}

TEST_CASE("damaged optdigits files are refused with their line") {
  const TempFolder folder;
  folder.write("optdigits.tes", std::string("1,2\n"));
  const auto with_row = [&](const std::string& row) {
    folder.write("optdigits.tra", "Block 1,Class\n" + row + "\n");
    return refusal(settings(Dataset::optdigits, folder.str()));
  };
  std::string zeros;
  for (int i = 0; i < 63; ++i) {
    zeros += "0,";
  }

  CHECK_THAT(with_row("1,2,3"), Catch::Contains("optdigits.tra:2: has 3 values"));
  CHECK_THAT(with_row(zeros + "17,3"), Catch::Contains("optdigits.tra:2: value 64 is '17'"));
  CHECK_THAT(with_row(zeros + "16,10"), Catch::Contains("value 65 is '10', must be an integer in 0..9"));
  CHECK_THAT(with_row(zeros + "x,1"), Catch::Contains("'x'"));
  CHECK_THAT(with_row(""), Catch::Contains("optdigits.tra: holds no rows"));
  CHECK_THAT(with_row(zeros + "16,9"), Catch::Contains("optdigits.tes:1: has 2 values"));
}

TEST_CASE("MNIST's own files are read, packed") {
  if (!has_shared("mnist")) {
    return;
  }
  const DataSet set = load(settings(Dataset::mnist, shared("mnist")));

  CHECK(set.description.num_train == 60000);
  CHECK(set.description.num_test == 10000);
  CHECK(set.description.shape == std::vector<std::int64_t>{1, 28, 28});
  CHECK(set.description.train_labels[0] == 5);
  CHECK(set.mean == std::vector<double>{0.1307});
  CHECK(set.std_dev == std::vector<double>{0.3081});
  double sum = 0;
  for (const std::uint8_t byte : bytes_of(set.train_inputs)) {
    sum += byte;
  }
  CHECK(sum / 255 / (60000.0 * 784) == Approx(0.1307).margin(1e-4));  // the published constant is this mean
}

TEST_CASE("IDX files are read plain and packed alike") {
  const TempFolder folder;
  write_idx(folder);
  const Description plain = describe(settings(Dataset::fashion_mnist, folder.str()));
  const Bytes images = idx_images(3, 3);
  std::filesystem::remove(folder / "train-images-idx3-ubyte");
  const gzFile packed = gzopen((folder / "train-images-idx3-ubyte.gz").c_str(), "wb");
  gzwrite(packed, images.data(), static_cast<unsigned>(images.size()));
  gzclose(packed);

  const Description unpacked = describe(settings(Dataset::fashion_mnist, folder.str()));

  CHECK(plain.train_labels == std::vector<std::int32_t>{0, 9, 4});
  CHECK(plain.content_hash == unpacked.content_hash);
}

TEST_CASE("IDX files that do not fit are refused") {
  const TempFolder folder;
  const auto with = [&](const std::string& name, const Bytes& bytes) {
    write_idx(folder);
    folder.write(name, bytes);
    return refusal(settings(Dataset::mnist, folder.str()));
  };
  Bytes wrong_side = idx_images(3, 3);
  wrong_side[11] = 27;
  Bytes cut_gzip = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b};

  CHECK_THAT(with("train-images-idx3-ubyte", idx_images(3, 2)), Catch::Contains("asks for 2368"));
  CHECK_THAT(with("train-images-idx3-ubyte", idx_images(3, 4)), Catch::Contains("asks for 2368"));
  CHECK_THAT(with("train-images-idx3-ubyte", idx_labels({1, 2, 3})), Catch::Contains("magic"));
  CHECK_THAT(with("train-images-idx3-ubyte", Bytes{0, 0}), Catch::Contains("magic"));
  CHECK_THAT(with("train-images-idx3-ubyte", Bytes{}), Catch::Contains("magic"));
  CHECK_THAT(with("train-images-idx3-ubyte", wrong_side), Catch::Contains("27 x 28"));
  CHECK_THAT(with("t10k-labels-idx1-ubyte", idx_labels({1, 10})), Catch::Contains("label 10 of row 1"));
  CHECK_THAT(with("t10k-labels-idx1-ubyte", idx_labels({1})), Catch::Contains("1 labels for the 2 images"));
  CHECK_THAT(with("train-images-idx3-ubyte", cut_gzip), Catch::Contains("damaged or cut short"));
  write_idx(folder);
  std::filesystem::remove(folder / "t10k-images-idx3-ubyte");
  CHECK_THAT(refusal(settings(Dataset::mnist, folder.str())), Catch::Contains("t10k-images-idx3-ubyte"));
}

TEST_CASE("a folder that is not there is refused for every data set of files") {
  for (const Dataset dataset : {Dataset::mnist, Dataset::fashion_mnist, Dataset::cifar10, Dataset::cifar100}) {
    CHECK_THAT(refusal(settings(dataset)), Catch::Contains("data.path is not set"));
    CHECK_THAT(refusal(settings(dataset, "/no/such")), Catch::Contains("data.path = /no/such"));
  }
  CHECK_THAT(refusal(settings(Dataset::hdf5)), Catch::Contains("data.path is not set"));
  CHECK_THAT(refusal(settings(Dataset::hdf5, "/no/such")), Catch::Contains("no such file"));
}

TEST_CASE("the CIFAR subsets are read with the labels that stand beside them") {
  if (!has_shared("cifar10-subset") || !has_shared("cifar100-subset")) {
    return;
  }
  const Description ten = describe(settings(Dataset::cifar10, shared("cifar10-subset")));
  config::Settings::Data coarse = settings(Dataset::cifar100, shared("cifar100-subset"));
  const Description fine = describe(coarse);
  coarse.labels = config::CifarLabels::coarse;

  CHECK(ten.num_train == 4000 + 4 * 1017);
  CHECK(ten.num_test == 1017);
  CHECK(ten.num_classes == 10);
  CHECK(ten.train_labels[0] == 6);  // the first image is a frog
  CHECK(fine.num_train == 486);
  CHECK(fine.num_test == 916);
  CHECK(fine.num_classes == 100);
  CHECK(fine.train_labels[0] == 19);
  CHECK(describe(coarse).num_classes == 20);
  CHECK(describe(coarse).train_labels[0] == 11);
  CHECK(describe(coarse).content_hash != fine.content_hash);
}

TEST_CASE("CIFAR rows that are cut or mislabelled are refused") {
  const TempFolder folder;
  folder.write("data_batch_2.bin", cifar_rows({1, 2}, 1));
  folder.write("test_batch.bin", cifar_rows({3}, 1));
  const Description good = describe(settings(Dataset::cifar10, folder.str()));
  Bytes cut_short = cifar_rows({1, 2}, 1);
  cut_short.pop_back();

  CHECK(good.num_train == 2);
  CHECK(good.train_labels == std::vector<std::int32_t>{1, 2});
  folder.write("data_batch_2.bin", cut_short);
  CHECK_THAT(refusal(settings(Dataset::cifar10, folder.str())), Catch::Contains("6145 bytes"));
  folder.write("data_batch_2.bin", cifar_rows({1, 10}, 1));
  CHECK_THAT(refusal(settings(Dataset::cifar10, folder.str())), Catch::Contains("label 10 of row 1"));
  folder.write("data_batch_2.bin", Bytes{});
  CHECK_THAT(refusal(settings(Dataset::cifar10, folder.str())), Catch::Contains("0 bytes"));
  std::filesystem::remove(folder / "data_batch_2.bin");
  CHECK_THAT(refusal(settings(Dataset::cifar10, folder.str())),
             Catch::Contains("data_batch_1.bin to data_batch_5.bin"));
  folder.write("train.bin", cifar_rows({19, 99, 20, 0}, 2));
  folder.write("test.bin", cifar_rows({0, 0}, 2));
  CHECK_THAT(refusal(settings(Dataset::cifar100, folder.str())), Catch::Contains("label 20 of row 1"));
}

TEST_CASE("given constants replace those of the data set and must fit its channels") {
  const TempFolder folder;
  folder.write("data_batch_1.bin", cifar_rows({1}, 1));
  folder.write("test_batch.bin", cifar_rows({3}, 1));
  config::Settings::Data data = settings(Dataset::cifar10, folder.str());

  CHECK(load(data).mean == std::vector<double>{0.4914, 0.4822, 0.4465});
  data.mean = {0.5};
  data.std_dev = {1, 2, 3};
  CHECK(load(data).mean == std::vector<double>{0.5});
  CHECK(load(data).std_dev == std::vector<double>{1, 2, 3});
  data.std_dev = {1, 2};
  CHECK_THAT(refusal(data), Catch::Contains("data.std = 1, 2: must have 1 value for all, or 3"));
  data.std_dev = {0};
  CHECK_THAT(refusal(data), Catch::Contains("data.std = 0"));
}

}  // namespace
}  // namespace unroll::dataset
