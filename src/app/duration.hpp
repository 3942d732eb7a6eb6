#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace unroll::app {

/// Seconds of "90", "90s", "30m", "1.5h", "2d", "MM:SS", "H:MM:SS" or "D-HH:MM:SS" (as Slurm writes times, "D-HH" and
/// "D-HH:MM" too); nullopt for other texts.
[[nodiscard]] std::optional<double> duration_s(std::string_view text);

/// The same for an option; UsageError names option and value, also below a second and beyond a year.
[[nodiscard]] double parse_duration(const std::string& option, const std::string& text);

/// "0:07", "12:30", "1:00:00": seconds rounded up.
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace unroll::app
