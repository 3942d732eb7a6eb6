#pragma once
// What is asked for, checked and summed up.
#include <span>
#include <string>

#include "unroll/gather/gather.hpp"

namespace unroll::gather {

[[nodiscard]] std::int64_t element_bytes(Element element);

/// Of a message: Options::piece_elements, within what MPI carries.
[[nodiscard]] std::int64_t piece_bytes(const Request& request, const Options& options);

/// Error: a request that contradicts itself, or a row that does not fit it.
void check_request(const Request& request, std::span<const Row> rows);

/// The same for the same request and options; different for others.
[[nodiscard]] std::uint64_t digest_of(const Request& request, const Options& options);

/// The pointers of the rows that are here, by model; null for the others. The request's element is Real.
template <typename Real>
[[nodiscard]] std::vector<const Real*> pointers_of(const Request& request, std::span<const Row> rows);

}  // namespace unroll::gather
