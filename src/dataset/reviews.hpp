#pragma once
// Where the reviews of the Large Movie Review Dataset (Maas et al. 2011) lie: in files PART/LABEL/NUMBER_RATING.txt of
// a folder or a tar archive, PART train or test, LABEL neg or pos.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace unroll::dataset {

struct ReviewPlace {
  bool is_test = false;
  bool is_positive = false;
  std::uint32_t number = 0;  // of its file: unique in its folder
};

using VisitReview = std::function<void(const ReviewPlace& place, std::string_view text)>;

/// Visits all reviews, in any order. What else lies there (unlabelled reviews, word lists) is passed over. UsageError,
/// with the path: no reviews, a name or a size that does not fit, a damaged archive.
void read_reviews(const std::string& path, const VisitReview& visit);

}  // namespace unroll::dataset
