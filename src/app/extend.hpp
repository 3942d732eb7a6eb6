#pragma once
#include <optional>
#include <string>

#include "unroll/app/prepare.hpp"
#include "unroll/plan/extension.hpp"

namespace unroll::app {

/// What a study adds to the one whose results a folder holds; nullopt: it holds none, or this one. UsageError, in one
/// line that shows which keys changed, when the study has not all runs that are there.
[[nodiscard]] std::optional<plan::Extension> check_extension(const std::string& folder, const Prepared& study);

}  // namespace unroll::app
