#pragma once
// A table of results.h5 or telemetry.h5 as text, all of its columns, in constant memory.
//   csv    RFC 4180: a header line, lines end in CR LF, texts with a comma, quote or line end are quoted; NaN is empty
//   jsonl  one JSON object a line; NaN and infinities, which JSON has not, are null
// UTF-8; reals have the shortest digits that read back to the same bits.
#include <iosfwd>
#include <string>

namespace unroll::store {

enum class ExportFormat { csv, jsonl };

/// A child process walks the file and checks the table's digests before a row is written. UsageError: no results or
/// telemetry file, damaged, no such table.
void export_table(const std::string& path, const std::string& table, ExportFormat format, std::ostream& out);

}  // namespace unroll::store
