// What `unroll status` makes of an attempt's records.
#include "status.hpp"

#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/text.hpp"

using namespace unroll;
using namespace unroll::app;
using store::Event;

namespace {

Event done(double time_s, const std::string& item, double cost_s) {
  return {time_s, "done", item + " cost=" + shortest(cost_s)};
}

/// One item of cost 1 every second, of 100.
std::vector<Event> steady() {
  std::vector<Event> events;
  for (int i = 1; i <= 40; ++i) {
    events.push_back(done(i - 0.5, "tree:" + std::to_string(i), 1));
  }
  return events;
}

}  // namespace

TEST_CASE("a rank's state follows its last events") {
  std::vector<Event> events{{10, "start", "host=node7 pid=3 ranks=2"}};
  CHECK(rank_status(0, events).doing == "starts");
  CHECK(rank_status(0, events).host == "node7");
  events.push_back({12, "take", "tree:a,tree:b"});
  CHECK(rank_status(0, events).doing == "trains 2 trees");
  CHECK(rank_status(0, events).since_s == 12);
  events.push_back(done(15, "tree:a", 2));
  events.push_back({15.5, "commit", "r0-x.h5 runs=r1"});
  CHECK(rank_status(0, events).doing == "trains 1 tree");
  CHECK(rank_status(0, events).since_s == 12);
  events.push_back(done(16, "tree:b", 3));

  const RankStatus status = rank_status(0, events);

  CHECK(status.doing == "waits");
  CHECK(status.since_s == 16);
  CHECK(status.num_done == 2);
  CHECK(status.cost_s == 5);
  CHECK(status.busy_s == 4);
  events.push_back({17, "phase", "comparing"});
  CHECK(rank_status(0, events).doing == "compares groups");
}

TEST_CASE("the ranks' time that went into items counts what is still in hand, and no waiting") {
  const std::vector<Event> trains{{10, "take", "tree:a"}, done(14, "tree:a", 1), {16, "take", "tree:b"}};
  const std::vector<Event> waits{{10, "take", "tree:c"}, done(12, "tree:c", 1)};

  const auto busy = busy_share({rank_status(0, trains), rank_status(1, waits)}, 10, 20);

  REQUIRE(busy);
  CHECK(*busy == Approx((4 + 4 + 2) / 20.0));
  CHECK_FALSE(busy_share({}, 10, 20));
  CHECK_FALSE(busy_share({rank_status(0, trains)}, 10, 10));
}

TEST_CASE("a steady rate has a narrow range, and what is left takes what it took") {
  const auto rate = rate_of({steady()}, 100, 0, 40);

  REQUIRE(rate);
  CHECK(rate->items == Approx(1));
  CHECK(rate->left_s == Approx(60));
  CHECK(rate->shortest_s == Approx(60));
  REQUIRE(rate->longest_s);
  CHECK(*rate->longest_s == Approx(60));
}

TEST_CASE("an uneven rate has a wide range, and one lump an open one") {
  std::vector<Event> uneven;
  for (const double time_s : {1, 2, 8, 12, 13, 22, 31, 32}) {
    uneven.push_back(done(time_s, "tree:" + shortest(time_s), 5));
  }
  const auto rate = rate_of({uneven}, 100, 0, 40);
  REQUIRE(rate);
  CHECK(rate->left_s == Approx(60));
  CHECK(rate->shortest_s < 45);
  REQUIRE(rate->longest_s);
  CHECK(*rate->longest_s > 90);

  const auto lump = rate_of({{done(39, "tree:1", 40)}}, 100, 0, 40);
  REQUIRE(lump);
  CHECK_FALSE(lump->longest_s);
  CHECK_FALSE(rate_of({{}}, 100, 0, 40));
}

TEST_CASE("the status of a folder counts what was done, by whom, and what failed and was not mended") {
  const TempFolder temp;
  const auto self = store::this_process(2);
  {
    const store::Attempt first(temp.str(), self);
    store::EventLog log(temp.str(), 1, 0);
    log.write("run", "bad1 diverged loss is inf at step 3");
    log.write("run", "bad2 failed out of memory");
    log.write("commit", "x.h5 runs=good,bad1,bad2");
    store::append_outcome(temp.str(), 1, "failed 2");
  }
  CHECK(exit_code_of(*read_status(temp.str())) == 3);
  CHECK(read_status(temp.str())->failed.size() == 2);
  const store::Attempt second(temp.str(), self);
  store::EventLog zero(temp.str(), 2, 0), one(temp.str(), 2, 1);
  zero.write("start", "host=a pid=1 ranks=2");
  zero.write("plan", "items=10 done=4 cost=12.5 runs=30 runs_done=12");
  one.write("start", "host=b pid=2 ranks=2");
  zero.write("take", "tree:1,tree:2");
  one.write("take", "tree:3");
  one.write("commit", "y.h5 runs=bad2,r5");
  one.write("done", "tree:3 cost=1.5");

  const auto status = read_status(temp.str());

  REQUIRE(status);
  CHECK(status->attempt.number == 2);
  CHECK(status->num_runs == 30);
  CHECK(status->num_runs_done == 14);
  CHECK(status->num_items == 10);
  CHECK(status->num_items_before + status->num_items_done == 5);
  REQUIRE(status->failed.size() == 1);
  CHECK(status->failed[0].id == "bad1");
  CHECK(status->failed[0].reason == "loss is inf at step 3");
  CHECK(exit_code_of(*status) == 75);
  const std::string text = status_text(*status, temp.str(), 80);
  for (const char* part : {"14 of 30 done (1 failed), 16 to do", "5 of 10 finished, 4 of them before", "alive",
                           "trains 2 trees", "waits", "1 diverged: loss is inf at step 3 (bad1)"}) {
    CHECK_THAT(text, Catch::Contains(part));
  }
  for (const auto line : split(text, '\n')) {
    CHECK(line.size() <= 80);
  }
  CHECK_THAT(status_json(*status, "d"),
             Catch::Contains("\"num_runs_done\": 14") && Catch::Contains("\"state\": \"alive\""));
  store::append_outcome(temp.str(), 2, "complete");
  CHECK(exit_code_of(*read_status(temp.str())) == 0);
  store::append_outcome(temp.str(), 2, "error something");
  CHECK(exit_code_of(*read_status(temp.str())) == 1);
  store::append_outcome(temp.str(), 2, "incomplete: stopped");
  CHECK(exit_code_of(*read_status(temp.str())) == 75);
}

TEST_CASE("a thousand ranks are shown by those that have done the same for longest") {
  Status status;
  status.attempt.number = 1;
  status.now_s = 2000;
  for (int rank = 0; rank < 1000; ++rank) {
    RankStatus one;
    one.rank = rank;
    one.host = "node" + std::to_string(rank);
    one.doing = "trains 1 tree";
    one.since_s = rank == 700 ? 1 : 1000 + rank;
    one.cost_s = 10;
    one.busy_s = rank == 400 ? 100 : 10;
    status.ranks.push_back(one);
  }

  const std::string text = status_text(status, "dir", 80);

  CHECK(split(text, '\n').size() < 40);
  CHECK_THAT(text, Catch::Contains("  700   node700") && Catch::Contains("and 976 ranks more"));
  CHECK_THAT(text, Catch::Contains("rank 400 on node400: 0.1 of the median"));
}

TEST_CASE("a folder without attempts has no status") {
  const TempFolder temp;
  CHECK_FALSE(read_status(temp.str()));
}
