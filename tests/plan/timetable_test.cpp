#include "timetable.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "support/catch.hpp"
#include "unroll/base/random.hpp"

using namespace unroll;
using namespace unroll::plan;

namespace {

constexpr double kUndivided = std::numeric_limits<double>::max();

Job plain(double cost_s, std::vector<std::size_t> depends = {}) { return {cost_s, cost_s, std::move(depends), 0}; }

Job tree(double trunk_s, std::vector<double> forks_s, std::vector<std::size_t> depends = {}) {
  const double cost_s = std::accumulate(forks_s.begin(), forks_s.end(), trunk_s);
  return {cost_s, cost_s, std::move(depends), trunk_s, std::move(forks_s)};
}

std::vector<Job> random_jobs(std::uint64_t number) {
  const RandomStream stream(number, "timetable");
  std::uint64_t count = 0;
  const auto pick = [&](std::uint64_t bound) { return stream.bits(0, count++) % bound; };
  std::vector<Job> jobs(1 + pick(8));
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto depends = i > 0 && pick(3) == 0 ? std::vector<std::size_t>{pick(i)} : std::vector<std::size_t>{};
    std::vector<double> forks(pick(12));
    for (double& fork : forks) {
      fork = static_cast<double>(1 + pick(20));
    }
    std::sort(forks.rbegin(), forks.rend());
    const double trunk = static_cast<double>(1 + pick(30));
    jobs[i] = tree(trunk, forks, depends);
    for (const std::size_t before : depends) {  // what others wait for is not divided
      jobs[before].forks_s.clear();
    }
  }
  for (std::size_t i = jobs.size(); i-- > 0;) {
    for (const std::size_t before : jobs[i].depends) {
      jobs[before].critical_s = std::max(jobs[before].critical_s, jobs[before].cost_s + jobs[i].critical_s);
    }
  }
  return jobs;
}

}  // namespace

TEST_CASE("jobs go to ranks longest first, after what they wait for") {
  CHECK(play({plain(3), plain(2), plain(2)}, 2, kUndivided).end_s == 4);
  CHECK(play({plain(1), plain(5, {0}), plain(2)}, 2, kUndivided).end_s == 6);
  CHECK(play({plain(1), plain(5, {0}), plain(2)}, 1, kUndivided).end_s == 8);
  CHECK(play({}, 3, kUndivided).end_s == 0);
}

TEST_CASE("one tree is divided evenly over the ranks") {
  const std::vector<Job> one = {tree(1, std::vector<double>(10, 1))};

  const Timetable on_two = best_timetable(one, 2), on_three = best_timetable(one, 3);

  CHECK(on_two.end_s == 6);
  REQUIRE(on_two.parts[0].size() == 2);
  CHECK(on_two.parts[0][0].size() == 5);
  CHECK(on_three.end_s == 5);
  CHECK(on_three.parts[0].size() == 3);
  CHECK(best_timetable(one, 1).parts[0].empty());
  CHECK(best_timetable(one, 100).end_s == 2);
}

TEST_CASE("a tree whose trunk is nearly all of its work stays whole") {
  CHECK(best_timetable({tree(100, {1, 1, 1})}, 2).parts[0].empty());
}

TEST_CASE("trees that fill the ranks stay whole, and the odd one is divided") {
  const Job whole = tree(1, std::vector<double>(10, 1));

  const Timetable even = best_timetable({whole, whole, whole, whole}, 2),
                  odd = best_timetable({whole, whole, whole}, 2);

  CHECK(std::all_of(even.parts.begin(), even.parts.end(), [](const Parts& parts) { return parts.empty(); }));
  CHECK(even.end_s == 22);
  CHECK(odd.end_s == 17);  // 11 + 6: the trunk of the third is paid twice
  CHECK(std::count_if(odd.parts.begin(), odd.parts.end(), [](const Parts& parts) { return parts.size() == 2; }) == 1);
}

TEST_CASE("a tree that many small ones can fill up to is not divided") {
  std::vector<Job> jobs(30, plain(1));
  jobs.push_back(tree(2, std::vector<double>(10, 1)));

  CHECK(best_timetable(jobs, 2).parts.back().empty());
}

TEST_CASE("any division has each fork once, costs a trunk a part, and ends no later than none") {
  for (std::uint64_t number = 0; number < 500; ++number) {
    INFO("jobs " << number);
    const std::vector<Job> jobs = random_jobs(number);
    for (const int ranks : {1, 2, 3, 7}) {
      const Timetable undivided = play(jobs, ranks, kUndivided), best = best_timetable(jobs, ranks);

      CHECK(best.end_s <= undivided.end_s);
      const bool is_divided =
          std::any_of(best.parts.begin(), best.parts.end(), [](const Parts& p) { return !p.empty(); });
      CHECK((!is_divided || best.end_s <= 0.97 * undivided.end_s));
      double work_s = 0;
      for (std::size_t job = 0; job < jobs.size(); ++job) {
        const Parts& parts = best.parts[job];
        work_s += jobs[job].cost_s + (parts.empty() ? 0 : static_cast<double>(parts.size() - 1) * jobs[job].trunk_s);
        std::vector<std::size_t> seen;
        for (const auto& part : parts) {
          CHECK_FALSE(part.empty());
          seen.insert(seen.end(), part.begin(), part.end());
        }
        std::sort(seen.begin(), seen.end());
        std::vector<std::size_t> all(parts.empty() ? 0 : jobs[job].forks_s.size());
        std::iota(all.begin(), all.end(), std::size_t{0});
        CHECK(seen == all);
      }
      CHECK(best.end_s * ranks >= work_s * 0.999999);
    }
  }
}
