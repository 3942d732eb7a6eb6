#pragma once
#include <string>
#include <vector>

namespace unroll::app {

/// `unroll check` and `unroll export`: as in commands.hpp.
int run_check(const std::vector<std::string>& arguments);
int run_export(const std::vector<std::string>& arguments);

inline constexpr const char* kCheckDetails =
    "PATH is a results.h5, a telemetry.h5, or the folder of --output. Changes nothing. A line for each finding, with "
    "what\n"
    "to do. Of a file: format, version, columns, units, the digest of every column, repeated rows, rows without their\n"
    "run, and FILE.sha256. Of a folder: these, and plan.txt, numerics.txt, attempts and journals, shards, stages, "
    "kept\n"
    "weights and checkpoints against their digests, of a study that is cut all this for every chunk,\n"
    "runs and rows against the plan (start it where the study was started if the study names its files by relative\n"
    "paths), and what is left of writes that were cut off.\n"
    "Exit codes: 0 nothing wrong, 2 wrong use or a file that cannot be read, 3 problems, 75 only runs are missing.\n";
inline constexpr const char* kExportDetails =
    "FILE is a results.h5, a telemetry.h5, or a folder with results.h5. All columns of one table, UTF-8, in constant\n"
    "memory. Reals have the shortest digits that read back to the same bits. Digests are checked before the first "
    "row.\n\n"
    "  --format csv      RFC 4180 (lines end in CR LF), a header line, NaN is empty\n"
    "  --format jsonl    a JSON object a line; NaN and infinities are null\n"
    "  --table NAME      pairs (if not given), cells, runs, layers, curves, distances, floors; items of a "
    "telemetry.h5\n"
    "  --output FILE     instead of stdout; appears when it is whole\n";

}  // namespace unroll::app
