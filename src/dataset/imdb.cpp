// Reviews as counts of hashed words, one row a review: negative and positive ones in turn, each by the number of its
// file, so that any run of rows holds both classes.
#include <algorithm>
#include <array>

#include "readers.hpp"
#include "reviews.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "words.hpp"

namespace unroll::dataset {
namespace {

constexpr std::size_t kMaxReviews = 1'000'000;
constexpr std::size_t kMaxInputBytes = std::size_t{1} << 34;

struct Review {
  std::uint32_t number = 0;
  std::size_t begin = 0, end = 0;  // into the terms of all reviews
};

/// Those of one part, by label.
struct Reviews {
  std::array<std::vector<Review>, 2> of_label;
  [[nodiscard]] std::size_t size() const { return of_label[0].size() + of_label[1].size(); }
};

void sort(const std::string& path, std::string_view part, Reviews& reviews) {
  for (const std::size_t label : {0U, 1U}) {
    auto& list = reviews.of_label[label];
    const std::string folder = std::string(part) + (label == 0 ? "/neg" : "/pos");
    if (list.empty()) {
      throw UsageError(path + ": there is no review in " + folder +
                       "; data.dataset = imdb needs the aclImdb folder or its tar.gz");
    }
    const auto by_number = [](const Review& a, const Review& b) { return a.number < b.number; };
    std::sort(list.begin(), list.end(), by_number);
    const auto twice = std::adjacent_find(list.begin(), list.end(),
                                          [](const Review& a, const Review& b) { return a.number == b.number; });
    if (twice != list.end()) {
      throw UsageError(path + ": " + folder + " holds number " + std::to_string(twice->number) + " more than once");
    }
  }
}

Part rows_of(const Reviews& reviews, const std::vector<Term>& terms, std::size_t columns) {
  Part part;
  std::vector<std::uint8_t> inputs(reviews.size() * columns);
  const auto longest = std::max(reviews.of_label[0].size(), reviews.of_label[1].size());
  for (std::size_t i = 0; i < longest; ++i) {
    for (const std::size_t label : {0U, 1U}) {
      if (i >= reviews.of_label[label].size()) {
        continue;
      }
      const Review& review = reviews.of_label[label][i];
      std::uint8_t* row = inputs.data() + part.labels.size() * columns;
      for (std::size_t term = review.begin; term < review.end; ++term) {
        row[terms[term].column] = terms[term].count;
      }
      part.labels.push_back(static_cast<std::int32_t>(label));
    }
  }
  part.inputs = std::move(inputs);
  return part;
}

}  // namespace

Raw read_imdb(const config::Settings::Data& data) {
  if (data.path.empty()) {
    throw UsageError("data.path is not set: data.dataset = imdb needs the aclImdb folder or its tar.gz");
  }
  const auto columns = static_cast<std::size_t>(data.feature_columns);
  WordCounter counter(columns);
  std::vector<Term> terms;
  std::array<Reviews, 2> parts;
  read_reviews(data.path, [&](const ReviewPlace& place, std::string_view text) {
    const std::size_t begin = terms.size();
    counter.count(text, terms);
    parts[place.is_test ? 1 : 0].of_label[place.is_positive ? 1 : 0].push_back({place.number, begin, terms.size()});
    if (parts[0].size() + parts[1].size() > kMaxReviews) {
      throw UsageError(data.path + ": holds more than " + std::to_string(kMaxReviews) + " reviews");
    }
  });
  sort(data.path, "train", parts[0]);
  sort(data.path, "test", parts[1]);
  if ((parts[0].size() + parts[1].size()) * columns > kMaxInputBytes) {
    throw UsageError("data.feature_columns = " + std::to_string(columns) + ": makes more than 16 GiB of " +
                     std::to_string(parts[0].size() + parts[1].size()) + " reviews; take fewer");
  }
  Raw raw;
  raw.shape = {data.feature_columns};
  raw.num_classes = 2;
  raw.train = rows_of(parts[0], terms, columns);
  raw.test = rows_of(parts[1], terms, columns);
  raw.holds_counts = true;
  return raw;
}

}  // namespace unroll::dataset
