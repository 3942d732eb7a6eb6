#pragma once
// The files of an attempt, and the process that its owner record names.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "unroll/store/attempt.hpp"

namespace unroll::store {

inline constexpr double kHeartbeat_s = 15;
inline constexpr double kMissedHeartbeats = 8;  // an owner is dead when so many are missing

[[nodiscard]] std::string attempts_folder(const std::string& folder);
[[nodiscard]] std::string attempt_folder(const std::string& folder, std::int64_t number);

/// Lines "key=value" between a head and a CRC-32.
[[nodiscard]] std::string encode(const Owner& owner);
/// nullopt: damaged.
[[nodiscard]] std::optional<Owner> decode_owner(std::string_view text);

/// Whether the owner's process is known not to run any more: it ran under this kernel, and is gone.
[[nodiscard]] bool is_gone(const Owner& owner, const Owner& self);

/// Whether Slurm knows that this start of the owner's job has ended. False where it cannot be asked or does not answer.
[[nodiscard]] bool slurm_says_ended(const Owner& owner, const Owner& self);

/// Seconds since 1970 as the file system's clock has it.
[[nodiscard]] double file_system_now(const std::string& folder, FileDoor& door);
/// When a file or folder was last modified; nullopt when it is not there. Attributes are not taken from a cache.
[[nodiscard]] std::optional<double> modified_s(const std::string& path);

}  // namespace unroll::store
