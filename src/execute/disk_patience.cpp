#include "execute/disk_patience.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::execute {
namespace {

constexpr double kDefault_s = 120, kMost_s = 86400;
constexpr double kFirstPause_s = 0.1, kLongestPause_s = 10;
constexpr std::chrono::milliseconds kBetweenPolls(20);

bool may_pass(int code) {
  return code != ENOENT && code != ENOTDIR && code != EACCES && code != EPERM && code != EEXIST;
}

}  // namespace

DiskPatience::DiskPatience(double limit_s, Poll poll, Say say)
    : limit_s_(limit_s), poll_(std::move(poll)), say_(std::move(say)) {}

bool DiskPatience::operator()(const store::FileError& error) {
  const auto now = Clock::now();
  const bool is_new = pause_s_ == 0 || now - last_ > std::chrono::seconds(1);
  if (is_new) {
    began_ = now;
    pause_s_ = kFirstPause_s;
  }
  const double left_s = limit_s_ - std::chrono::duration<double>(now - began_).count();
  if (!may_pass(error.code()) || left_s <= 0) {
    return false;
  }
  if (is_new) {
    say_(std::string(error.what()) + "; keeps what is finished in memory and tries again for " + rounded(limit_s_) +
         " s");
  }
  wait(std::min(pause_s_, left_s));
  pause_s_ = std::min(2 * pause_s_, kLongestPause_s);
  last_ = Clock::now();
  return true;
}

void DiskPatience::wait(double seconds) const {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (Clock::now() < end) {
    poll_();
    std::this_thread::sleep_for(kBetweenPolls);
  }
}

double disk_patience_s() {
  const char* text = std::getenv("UNROLL_DISK_PATIENCE_S");
  if (text == nullptr) {
    return kDefault_s;
  }
  const auto seconds = parse_real(text);
  if (!seconds || !(*seconds >= 0) || *seconds > kMost_s) {
    throw UsageError("UNROLL_DISK_PATIENCE_S = " + printable(text) +
                     ": must be a number of seconds from 0 to 86400; unset it to wait for 120");
  }
  return *seconds;
}

}  // namespace unroll::execute
