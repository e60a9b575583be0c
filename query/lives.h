// How the views read history: every life of the range that matches, with progress on the terminal,
// Ctrl-C, and what was damaged noted in the answer.
#pragma once

#include <initializer_list>
#include <string_view>

#include "query/context.h"
#include "query/filter.h"
#include "store/history.h"

namespace netrec {

struct LifeQuery {
  TimeRange range;
  Filter filter;
  std::vector<Transport> transports;  ///< empty: all
  /// The socket's fields the sink looks at, by name; empty: all. Those of the filter come with
  /// them.
  std::vector<std::string_view> fields;
  bool transitions = true;
};

/// Returns false to stop.
using LifeSink = std::function<bool(const Connection& life, const Snapshot& names)>;

/// Scans the timeline, or each of several that can hold something of wanted's range; `scan` does
/// one of them. `wants_more` false ends it between two. What is damaged is noted, and whose it is:
/// context.host() says so while `scan` runs.
using FileScan =
    std::function<Result<std::vector<Damage>>(const Timeline& timeline, const Wanted& wanted)>;
Status scan_files(Context& context, Wanted wanted, const bool& wants_more, const FileScan& scan);

/// `title` is shown while it takes long. Errors: as scan_connections(), and interruption().
Status for_each_life(Context& context, std::string_view title, const LifeQuery& query,
                     const LifeSink& sink);

}  // namespace netrec
