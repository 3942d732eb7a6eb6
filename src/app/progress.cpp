#include "unroll/app/progress.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <utility>

#include "duration.hpp"

namespace unroll::app {
namespace {

constexpr double kTerminalPause_s = 0.2;
constexpr double kPlainPause_s = 5;

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string progress_line(std::size_t done, std::size_t total, std::size_t done_before, double elapsed_s) {
  std::string line =
      std::to_string(done) + "/" + std::to_string(total) + " items done, " + std::to_string(total - done) + " left";
  if (done > done_before && elapsed_s > 0) {
    const double rate = static_cast<double>(done - done_before) / elapsed_s;
    line += ", " + formatted(rate < 10 ? "%.2g" : "%.0f", rate) + " a second";
    line += done < total ? ", " + duration_text(static_cast<double>(total - done) / rate) + " to go"
                         : ", took " + duration_text(elapsed_s);
  }
  return line;
}

Progress::Progress(std::ostream& out, bool is_terminal, Clock clock)
    : out_(&out), is_terminal_(is_terminal), clock_(std::move(clock)) {}

Progress Progress::to_stderr() {
  return {std::cerr, isatty(STDERR_FILENO) == 1,
          [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }};
}

void Progress::operator()(std::size_t done, std::size_t total) {
  const double now_s = clock_();
  const bool first = !std::exchange(has_started_, true);
  if (first) {
    start_s_ = now_s;
    done_before_ = done;
  }
  if (!first && done < total && now_s - written_s_ < (is_terminal_ ? kTerminalPause_s : kPlainPause_s)) {
    return;
  }
  written_s_ = now_s;
  const std::string line = "unroll: " + progress_line(done, total, done_before_, now_s - start_s_);
  if (is_terminal_) {
    *out_ << '\r' << line << "\x1b[K" << (done == total ? "\n" : "") << std::flush;
  } else {
    *out_ << line + '\n' << std::flush;
  }
}

}  // namespace unroll::app
