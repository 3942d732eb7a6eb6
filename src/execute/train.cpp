// Taking work, and leaving it when the study is to stop.
#include <utility>

#include "execute/disk_patience.hpp"
#include "execute/item_runner.hpp"
#include "execute/session.hpp"
#include "execute/work_events.hpp"
#include "unroll/schedule/schedule.hpp"

namespace unroll::execute {
namespace {

schedule::Options scheduling(const Session& session) {
  const auto& options = session.options;
  auto& stop = session.stop;
  schedule::Options result{kPackUnits, options.threaded, options.on_progress};
  result.wish_to_stop = [&stop] { return stop.requested() ? std::optional(stop.reason()) : std::nullopt; };
  result.max_fails = options.max_fails;
  if (const auto& limit = options.limit) {
    result.time_left_s = [&limit] {
      return std::chrono::duration<double>(limit->end - std::chrono::steady_clock::now()).count() - limit->reserve_s;
    };
  }
  return result;
}

/// However a rank leaves its work, unless it dies: then nothing is in its hand.
class GiveBack {
 public:
  explicit GiveBack(WorkEvents& events) : events_(events) {}
  ~GiveBack() { events_.back(); }
  GiveBack(const GiveBack&) = delete;
  GiveBack& operator=(const GiveBack&) = delete;

 private:
  WorkEvents& events_;
};

/// Takes chunks until none is left, or all ranks are to stop: then what this rank has in hand goes back. Why; "" at the
/// end of the work.
std::string take_chunks(const Session& session, schedule::Scheduler& scheduler, ItemRunner& runner,
                        WorkEvents& events) {
  const GiveBack give_back(events);
  bool has_said = false;
  const auto finish = [&](std::size_t item, const std::string& digest) {
    scheduler.finish(item, digest);
    events.done(item);
  };
  const auto fail = [&](std::size_t item, const std::string& digest, const std::string& reason) {
    scheduler.fail(item, digest);
    events.fail(item, reason);
    if (!std::exchange(has_said, true)) {
      session.say("an item failed (" + reason + "); its runs and later ones are in /runs with the reason");
    }
  };
  try {
    for (auto chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
      events.take(chunk);
      runner.run(chunk, finish, fail);
    }
  } catch (const Stopped& stopped) {
    return stopped.what();
  } catch (const store::FileError& error) {
    return error.what();
  }
  return scheduler.stop_reason();
}

/// While nobody needs an answer from this rank.
DiskPatience waiting(const Session& session) {
  const auto& stop = session.stop;
  const auto poll = [&stop] {
    if (stop.requested()) {
      throw Stopped(stop.reason());
    }
  };
  return {session.patience_s, poll, [&session](const std::string& line) { session.say(line); }};
}

}  // namespace

std::string max_fails_reason(const StudyOptions& options) { return "--max-fails " + std::to_string(options.max_fails); }

void Session::say(const std::string& line) const {
  if (options.on_notice) {
    options.on_notice(line);
  }
}

void Session::say_on_first(const std::string& line) const {
  if (world.rank() == 0) {
    say(line);
  }
}

void train_items(const Session& session, Context& context, WorkList& list, store::Writer& writer,
                 store::StageCache* cache, Checkpoints& checkpoints) {
  std::string ended_by;  // work was left that was not given out; written by the scheduler alone while it lives
  {
    WorkEvents events(session.log, session.plan, list);
    auto how = scheduling(session);
    how.on_end = [&](schedule::End why) {
      const auto& options = session.options;
      ended_by = why == schedule::End::time ? options.limit->reason : max_fails_reason(options);
      session.say_on_first(ended_by + ": no more work is given out, ranks finish what they have");
    };
    schedule::Scheduler scheduler(session.world, std::move(list.work), std::move(how));
    const auto poll = [&] {
      scheduler.poll();
      if (const auto reason = scheduler.stop_reason(); !reason.empty()) {
        throw Stopped(reason);
      }
      if (session.attempt != nullptr) {
        session.attempt->check();
      }
    };
    writer.on_refusal(
        DiskPatience(session.patience_s, poll, [&session](const std::string& line) { session.say(line); }));
    ItemRunner runner(context, std::move(list.items), session.folder, session.world.rank(), writer, poll);
    runner.keep_weights(std::move(list.models));
    runner.use_checkpoints(checkpoints);
    runner.on_try([&](const std::vector<std::size_t>& items) { events.attempt(items); });
    if (cache != nullptr) {
      runner.use_cache(*cache);
    }
    if (const auto reason = take_chunks(session, scheduler, runner, events); !reason.empty()) {
      session.stop.request(reason);
      scheduler.poll();  // the others learn of it
      session.say_on_first(reason + ": stops here; what is finished is kept, and running again goes on");
    }
  }
  writer.on_refusal(waiting(session));
  if (!ended_by.empty()) {
    session.stop.request(ended_by);
  }
}

}  // namespace unroll::execute
