// The writers behind Output, for query/output.cc alone.
#pragma once

#include <memory>
#include <string_view>

#include "query/output.h"

namespace netrec {

enum class JsonLayout {
  document,  ///< one object
  lines,     ///< an object a line (NDJSON)
};

std::unique_ptr<Output> make_table_output(const OutputOptions& options);
std::unique_ptr<Output> make_json_output(const OutputOptions& options, std::string_view command,
                                         JsonLayout layout);
std::unique_ptr<Output> make_csv_output(const OutputOptions& options);

/// A line each on stderr, the first few; for the formats without a place of their own for them.
void print_notices(std::vector<Notice>& notices, const OutputOptions& options);

/// Writes to `file`. A failure shows in written(): fmt::print would throw it.
void put(std::FILE* file, std::string_view text);

/// Flushes `file`; io if not everything reached it.
Status written(std::FILE* file);

}  // namespace netrec
