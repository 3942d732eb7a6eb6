#pragma once
// The progress of a study on stderr: one line that is written over on a terminal, plain lines now and then elsewhere.
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <string>

namespace unroll::app {

/// "12/60 items done, 48 left, 3.1 a second, 0:15 to go". The rate counts what this attempt did: done_before items
/// were there when it started, elapsed_s ago.
[[nodiscard]] std::string progress_line(std::size_t done, std::size_t total, std::size_t done_before, double elapsed_s);

/// To be called by one thread with every change (schedule::Options::on_progress).
class Progress {
 public:
  using Clock = std::function<double()>;  // seconds since some moment

  Progress(std::ostream& out, bool is_terminal, Clock clock);
  /// stderr, a steady clock, and whether stderr is a terminal.
  [[nodiscard]] static Progress to_stderr();

  /// Writes at most every 0.2 s on a terminal, every 5 s elsewhere; always the first and the last.
  void operator()(std::size_t done, std::size_t total);

 private:
  std::ostream* out_;
  bool is_terminal_;
  Clock clock_;
  bool has_started_ = false;
  double start_s_ = 0;
  double written_s_ = 0;
  std::size_t done_before_ = 0;
};

}  // namespace unroll::app
