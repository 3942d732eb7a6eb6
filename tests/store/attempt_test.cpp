// Who owns a folder: one attempt at a time, taken over from those that ended or died, and an old one that wakes up
// commits nothing.
#include "unroll/store/attempt.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>
#include <utility>

#include "attempt_files.hpp"
#include "example.hpp"
#include "faulty_door.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/store/events.hpp"

namespace unroll::store {
namespace {

constexpr double kShort_s = 0.05;

struct Fixture {
  TempFolder temp;
  std::string folder = temp / "results";
  Owner self = this_process(2);

  [[nodiscard]] Owner elsewhere() const {
    Owner owner = self;
    owner.host = "elsewhere";
    return owner;
  }
  [[nodiscard]] std::string refusal(const Owner& asker) const {
    try {
      const Attempt attempt(folder, asker);
    } catch (const UsageError& error) {
      const std::string message = error.what();
      CHECK(message.find('\n') == std::string::npos);
      return message;
    }
    return "taken";
  }
  [[nodiscard]] std::string path(std::int64_t number, const std::string& file) const {
    return attempt_folder(folder, number) + '/' + file;
  }
  void replace_owner(std::int64_t number, const Owner& owner) const {
    std::ofstream(path(number, "owner")) << encode(owner);
  }
  void age_heartbeat(std::int64_t number, int seconds) const {
    const timespec then{std::time(nullptr) - seconds, 0}, times[] = {then, then};
    REQUIRE(utimensat(AT_FDCWD, path(number, "heartbeat").c_str(), times, 0) == 0);
  }
  /// An attempt whose process ended without a word, as if by kill -9.
  void leave_behind(const Owner& owner) const {
    const Attempt attempt(folder, self);
    replace_owner(attempt.number(), owner);
  }
};

Owner dead_process(Owner owner) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  owner.pid = child;
  return owner;
}

std::set<std::string> all_files(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    names.insert(std::filesystem::relative(entry.path(), folder).string());
  }
  return names;
}

TEST_CASE("the first attempt is number 1 and describes its owner") {
  const Fixture f;

  const Attempt attempt(f.folder, f.self);

  CHECK(attempt.number() == 1);
  CHECK(newest_attempt(f.folder) == 1);
  CHECK(all_files(f.folder) == std::set<std::string>{"attempts", "attempts/1", "attempts/1/events",
                                                     "attempts/1/heartbeat", "attempts/1/owner"});
  FileDoor door;
  const AttemptState state = look_at_attempt(f.folder, 1, f.self, door);
  REQUIRE(state.owner);
  CHECK(state.owner->pid == getpid());
  CHECK(state.owner->num_ranks == 2);
  CHECK(state.life == Life::alive);
  CHECK(state.heartbeat_age_s < 5);
  CHECK(state.outcome.empty());
}

TEST_CASE("an owner record reads back, and one with a changed byte does not") {
  Owner owner = this_process(7);
  owner.cluster = "big";
  owner.job_id = "77";
  owner.array_task = "3";
  owner.restarts = 2;
  const std::string text = encode(owner);

  const auto read = decode_owner(text);

  REQUIRE(read);
  CHECK(encode(*read) == text);
  int num_tried = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit, ++num_tried) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      CHECK_FALSE(decode_owner(damaged));
    }
    CHECK_FALSE(decode_owner(text.substr(0, at)));
  }
  WARN("flipped bits: " << num_tried << ", cuts: " << text.size());
}

TEST_CASE("a folder whose owner is alive is refused in one line that says who, since when, and what to do") {
  const Fixture f;
  Owner owner = f.self;
  owner.job_id = "77";
  const Attempt attempt(f.folder, owner);
  const auto before = all_files(f.folder);

  const std::string message = f.refusal(f.self);

  CHECK_THAT(message, Catch::Contains("--output " + f.folder));
  CHECK_THAT(message, Catch::Contains("host " + f.self.host) && Catch::Contains("process " + std::to_string(getpid())));
  CHECK_THAT(message, Catch::Contains("Slurm job 77") && Catch::Contains("scancel 77"));
  CHECK_THAT(message, Catch::Contains("heartbeat was") && Catch::Contains("another --output"));
  CHECK(all_files(f.folder) == before);
}

TEST_CASE("an owner that wrote its outcome is no obstacle, alive or not") {
  const Fixture f;
  const Attempt first(f.folder, f.self);
  append_outcome(f.folder, 1, "incomplete: 3 runs missing");
  append_outcome(f.folder, 1, "complete");

  const Attempt second(f.folder, f.self);

  CHECK(second.number() == 2);
  CHECK(second.note().empty());
  CHECK(last_outcome(f.folder, 1) == "complete");
  FileDoor door;
  CHECK(look_at_attempt(f.folder, 1, f.self, door).life == Life::ended);
}

TEST_CASE("a torn outcome line does not count") {
  const Fixture f;
  const Attempt attempt(f.folder, f.self);
  append_outcome(f.folder, 1, "error x");
  std::ofstream(f.path(1, "outcome"), std::ios::app) << "\ncompl";

  CHECK(last_outcome(f.folder, 1) == "error x");
  append_outcome(f.folder, 1, "complete");
  CHECK(last_outcome(f.folder, 1) == "complete");
}

TEST_CASE("a dead process on this host is taken over from at once") {
  const Fixture f;
  f.leave_behind(dead_process(f.self));

  const Attempt attempt(f.folder, f.self);

  CHECK(attempt.number() == 2);
  CHECK_THAT(attempt.note(), Catch::Contains("attempt 1 died: process") && Catch::Contains("is gone"));
}

TEST_CASE("a process id that is used again is not the owner") {
  const Fixture f;
  Owner former = f.self;
  former.pid_start -= 1000;
  f.leave_behind(former);

  CHECK(f.refusal(f.self) == "taken");
}

TEST_CASE("a process that ended and is not yet reaped is gone") {
  const Fixture f;
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  Owner owner = f.self;
  owner.pid = child;
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);

  CHECK(is_gone(owner, f.self));
  waitpid(child, nullptr, 0);
}

TEST_CASE("an owner on another host, or in another container, is judged by its heartbeat") {
  const Fixture f;
  Owner container = dead_process(f.self);
  container.pid_space = "pid:[1]";
  Owner rebooted = dead_process(f.self);
  rebooted.boot_id = "another";
  Owner other_host = dead_process(f.elsewhere());
  std::int64_t number = 0;
  for (const Owner& owner : {container, rebooted, other_host}) {
    f.leave_behind(owner);
    ++number;
    f.age_heartbeat(number, 100);
    CHECK_THAT(f.refusal(f.self), Catch::Contains("heartbeat was 10"));
    f.age_heartbeat(number, 130);
    CHECK(f.refusal(f.self) == "taken");
    ++number;
    append_outcome(f.folder, number, "complete");
  }
  CHECK(newest_attempt(f.folder) == 6);
}

TEST_CASE("a heartbeat from the future is as good as none") {
  const Fixture f;
  f.leave_behind(f.elsewhere());
  f.age_heartbeat(1, -10'000);

  CHECK(f.refusal(f.self) == "taken");
}

TEST_CASE("a job that Slurm started again takes over from its former start, not the other way round") {
  const Fixture f;
  Owner first = f.elsewhere(), again = f.self;
  first.job_id = again.job_id = "77";
  again.restarts = 1;
  f.leave_behind(first);

  Owner other_cluster = again;
  other_cluster.cluster = "other";
  CHECK_THAT(f.refusal(other_cluster), Catch::Contains("at work"));
  const Attempt attempt(f.folder, again);

  CHECK(attempt.number() == 2);
  CHECK_THAT(f.refusal(first), Catch::Contains("at work"));
}

TEST_CASE("Slurm's word on the owner's job decides where it can be had") {
  const Fixture f;
  const TempFolder tools;
  const std::string path = std::getenv("PATH");
  setenv("PATH", (tools.str() + ":" + path).c_str(), 1);
  Owner owner = f.elsewhere();
  owner.job_id = "77";
  owner.restarts = 1;
  const auto answer = [&](const std::string& script) {
    std::ofstream(tools / "scontrol") << "#!/bin/sh\n" << script;
    chmod((tools / "scontrol").c_str(), 0755);
    return slurm_says_ended(owner, f.self);
  };

  CHECK_FALSE(answer("echo JobId=77 JobName=x Restarts=1 JobState=RUNNING Reason=None\n"));
  CHECK_FALSE(answer("echo JobId=77 Restarts=1 JobState=COMPLETING\n"));
  CHECK(answer("echo JobId=77 Restarts=2 JobState=RUNNING\n"));
  CHECK(answer("echo JobId=77 Restarts=1 JobState=PENDING\n"));
  CHECK(answer("echo JobId=76 JobState=RUNNING; echo JobId=77 Restarts=1 JobState=CANCELLED\n"));
  CHECK(answer("echo slurm_load_jobs error: Invalid job id specified >&2; exit 1\n"));
  CHECK_FALSE(answer("echo Unable to contact slurm controller >&2; exit 1\n"));
  CHECK_FALSE(answer("exit 0\n"));
  CHECK(answer("[ \"$*\" = \"-o show job 77\" ] && echo JobId=77 JobState=FAILED\n"));
  owner.job_id = "7; rm -r x";
  CHECK_FALSE(answer("echo JobId=77 JobState=FAILED\n"));
  setenv("PATH", path.c_str(), 1);
}

TEST_CASE("lost and damaged records are judged by what is left") {
  const Fixture f;
  f.leave_behind(dead_process(f.self));
  std::ofstream(f.path(1, "owner"), std::ios::app) << "x";

  CHECK_THAT(f.refusal(f.self), Catch::Contains("owner record is missing or damaged"));
  std::filesystem::remove(f.path(1, "owner"));
  CHECK_THAT(f.refusal(f.self), Catch::Contains("owner record is missing or damaged"));
  f.age_heartbeat(1, 130);
  CHECK(f.refusal(f.self) == "taken");
  append_outcome(f.folder, 2, "complete");
  f.leave_behind(f.elsewhere());
  std::filesystem::remove(f.path(3, "heartbeat"));
  CHECK_THAT(f.refusal(f.self), Catch::Contains("at work"));  // its owner record is fresh
}

TEST_CASE("a deleted folder of attempts gives no number a second time") {
  const Fixture f;
  std::filesystem::create_directories(f.folder + "/journal");
  std::filesystem::create_directories(f.folder + "/shards");
  std::ofstream(f.folder + "/journal/r00003-a0041.log") << "";
  std::ofstream(f.folder + "/shards/r00003-a0042-000001-x.h5") << "";

  CHECK(Attempt(f.folder, f.self).number() == 43);
}

TEST_CASE("the heart beats while the process does something else, and meets a newer attempt") {
  Fixture f;
  f.self.heartbeat_s = kShort_s;
  Attempt old(f.folder, f.self);
  f.age_heartbeat(1, 1000);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (*modified_s(f.path(1, "heartbeat")) < f.self.start_s - 10 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(*modified_s(f.path(1, "heartbeat")) > f.self.start_s - 10);
  old.check();

  std::filesystem::create_directory(attempt_folder(f.folder, 2));
  bool is_superseded = false;
  while (!is_superseded && std::chrono::steady_clock::now() < deadline) {
    try {
      old.check();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } catch (const Superseded& error) {
      is_superseded = true;
      CHECK_THAT(error.what(), Catch::Contains("attempt 2 has taken"));
    }
  }
  CHECK(is_superseded);
}

TEST_CASE("of many that start at once exactly one takes the folder, each time") {
  const Fixture f;
  constexpr int kNumRounds = 20, kNumProcesses = 6;
  for (int round = 1; round <= kNumRounds; ++round) {
    int results[2];
    REQUIRE(pipe(results) == 0);
    for (int i = 0; i < kNumProcesses; ++i) {
      if (fork() == 0) {
        char answer = 'e';
        try {
          Attempt attempt(f.folder, this_process(1));
          answer = 't';
          (void)!write(results[1], &answer, 1);
          pause();  // alive until the round is over
        } catch (const UsageError&) {
          answer = 'r';
        } catch (const std::exception&) {
        }
        (void)!write(results[1], &answer, 1);
        _exit(0);
      }
    }
    std::string answers(kNumProcesses, ' ');
    for (char& answer : answers) {
      REQUIRE(read(results[0], &answer, 1) == 1);
    }
    FileDoor door;
    const auto state = look_at_attempt(f.folder, newest_attempt(f.folder), f.self, door);
    REQUIRE(state.owner);
    kill(static_cast<pid_t>(state.owner->pid), SIGKILL);
    for (int i = 0; i < kNumProcesses; ++i) {
      (void)wait(nullptr);
    }
    close(results[0]);
    close(results[1]);
    std::sort(answers.begin(), answers.end());
    CHECK(answers == "rrrrrt");
    CHECK(state.number == round);
  }
  for (const auto& name : all_files(f.folder)) {
    CHECK(name.find(".tmp") == std::string::npos);
  }
}

TEST_CASE("a folder that cannot be taken is left as it was") {
  const Fixture f;
  for (const Call call : {Call::open, Call::write, Call::fsync, Call::close, Call::rename, Call::mkdir}) {
    auto door = std::make_unique<FaultyDoor>();
    door->fail(call, ENOSPC);
    CAPTURE(static_cast<int>(call));
    CHECK_THROWS_AS(Attempt(f.temp / "new/deep", f.self, std::move(door)), UsageError);
    CHECK_FALSE(std::filesystem::exists(f.temp / "new"));
  }
  Attempt attempt(f.temp / "new/deep", f.self);
  attempt.withdraw();
  CHECK_FALSE(std::filesystem::exists(f.temp / "new"));
}

TEST_CASE("a superseded writer commits nothing of any kind, and what it committed before stays") {
  const Fixture f;
  const auto study = example::study();
  const auto plan = example::plan(study);
  const auto identity = example::identity(study, plan);
  const Attempt old(f.folder, f.self);
  prepare(f.folder, identity);
  Writer writer(f.folder, 0, identity.numerics_key, 1);
  const std::vector<record::TreeRecord> first = {example::tree(plan, 0)}, second = {example::tree(plan, 1)};
  const hdf5::Array array{"x", hdf5::ElementType::uint8, {1}, {std::byte{1}}};
  writer.commit(first, {});
  append_outcome(f.folder, 1, "error: taken for dead");
  const Attempt taken(f.folder, f.self);
  const auto before = all_files(f.folder);

  CHECK_THROWS_AS(writer.commit(second, {}), Superseded);
  CHECK_THROWS_AS(writer.commit_stage("s", {{array}, {}}), Superseded);
  CHECK_THROWS_AS(writer.commit_weights({array}), Superseded);
  CHECK_THROWS_AS(writer.write_arrays("weights/r.h5", {{array}, {}}), Superseded);
  CHECK_THROWS_AS(writer.check_newest(), Superseded);

  CHECK(all_files(f.folder) == before);
  Writer next(f.folder, 0, identity.numerics_key, taken.number());
  next.commit(second, {});
  CHECK(finished(f.folder).runs.size() == 2);
}

TEST_CASE("an owner that is superseded between writing and renaming leaves no file") {
  class LateDoor : public FileDoor {
   public:
    std::function<void()> before_fsync;

   protected:
    int system_fsync(int descriptor) override {
      if (before_fsync) {
        std::exchange(before_fsync, nullptr)();
      }
      return FileDoor::system_fsync(descriptor);
    }
  };
  const Fixture f;
  const auto study = example::study();
  const auto plan = example::plan(study);
  const auto identity = example::identity(study, plan);
  const Attempt old(f.folder, f.self);
  prepare(f.folder, identity);
  auto owned = std::make_unique<LateDoor>();
  LateDoor& door = *owned;
  Writer writer(f.folder, 0, identity.numerics_key, std::move(owned), 1);
  const std::vector<record::TreeRecord> first = {example::tree(plan, 0)}, second = {example::tree(plan, 1)};
  writer.commit(first, {});
  door.before_fsync = [&] { std::filesystem::create_directory(attempt_folder(f.folder, 2)); };

  CHECK_THROWS_AS(writer.commit(second, {}), Superseded);

  CHECK(std::distance(std::filesystem::directory_iterator(f.folder + "/shards"), {}) == 1);
}

TEST_CASE("the newest attempt removes temporary files of dead ones, and nothing else") {
  const Fixture f;
  const auto study = example::study();
  prepare(f.folder, example::identity(study, example::plan(study)));
  std::filesystem::create_directories(f.folder + "/attempts/.tmp-dead/events");
  const std::vector<std::string> left = {"/.tmp-1-results.h5", "/shards/.tmp-1-x.h5", "/stages/.tmp-1-x.h5",
                                         "/attempts/.tmp-dead/owner", "/attempts/.tmp-dead/.tmp-1-owner"};
  for (const std::string& name : left) {
    std::ofstream(f.folder + name) << "half";
  }
  std::ofstream(f.folder + "/shards/foreign.h5") << "not ours";
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Attempt attempt(f.folder, f.self);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::ofstream(f.folder + "/shards/.tmp-2-new.h5") << "being written";

  attempt.remove_temporaries();

  for (const std::string& name : left) {
    CHECK_FALSE(std::filesystem::exists(f.folder + name));
  }
  CHECK_FALSE(std::filesystem::exists(f.folder + "/attempts/.tmp-dead"));
  CHECK(std::filesystem::exists(f.folder + "/shards/foreign.h5"));
  CHECK(std::filesystem::exists(f.folder + "/shards/.tmp-2-new.h5"));
}

TEST_CASE("a heartbeat that is no number of seconds is refused") {
  for (const char* bad : {"0", "-1", "abc", "1e9", "nan"}) {
    setenv("UNROLL_HEARTBEAT_S", bad, 1);
    CHECK_THROWS_AS(this_process(1), UsageError);
  }
  setenv("UNROLL_HEARTBEAT_S", "0.5", 1);
  CHECK(this_process(1).heartbeat_s == 0.5);
  unsetenv("UNROLL_HEARTBEAT_S");
  CHECK(this_process(1).heartbeat_s == 15);
}

TEST_CASE("events are read as they were written, but for a torn line") {
  const Fixture f;
  const Attempt attempt(f.folder, f.self);
  EventLog log(f.folder, 1, 12);
  log.write("take", "tree:a,tree:b");
  log.write("error", "two\nlines");
  EventLog(f.folder, 1, 12).write("done", "tree:a cost=0.5 runs=3");
  std::ofstream(f.path(1, "events/r12.log"), std::ios::app) << "nonsense\n12.5 done tr";

  const auto events = read_events(f.folder, 1, 12);

  REQUIRE(events.size() == 3);
  CHECK(events[0].kind == "take");
  CHECK(events[0].text == "tree:a,tree:b");
  CHECK(events[1].text == "two lines");
  CHECK(field(events[2].text, "cost") == "0.5");
  CHECK(field(events[2].text, "runs") == "3");
  CHECK(field(events[2].text, "uns").empty());
  CHECK(events[0].time_s <= events[2].time_s);
  CHECK(ranks_with_events(f.folder, 1) == std::vector<int>{12});
  EventLog(f.folder, 99, 0).write("take", "nowhere to write");
}

}  // namespace
}  // namespace unroll::store
