#include "store/plain_tables.h"

#include <algorithm>
#include <string_view>

#include "schema/result.h"
#include "store/timeline_sql.h"

namespace netrec {

namespace {

constexpr std::string_view kTold[] = {"session",     "gap",      "process",
                                      "destination", "listener", "interface"};

/// Takes the next word off the front of `line`.
std::string_view take_word(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t end = std::min(line.find_first_of(" ,", begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

std::string_view remark(std::string_view line) {
  const std::size_t begin = line.find("-- ");
  return begin == std::string_view::npos ? std::string_view{} : line.substr(begin + 3);
}

void add_column(PlainTable& table, std::string_view line) {
  const std::string about(remark(line));
  const std::string_view name = take_word(line);
  if (name == "PRIMARY") return;
  const std::string_view type = take_word(line);
  NETREC_CHECK(type == "INTEGER" || type == "TEXT",
               "a column of timeline.sql on a line of its own");
  table.columns.push_back({.name = std::string(name), .type = std::string(type), .about = about});
}

std::vector<PlainTable> read_declarations() {
  constexpr std::string_view kCreate = "CREATE TABLE ";
  std::vector<PlainTable> tables;
  bool inside = false;
  for (std::string_view text = kTimelineSql; !text.empty();) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(kCreate)) {
      const std::string about(remark(line));
      line.remove_prefix(kCreate.size());
      const std::string_view name = take_word(line);
      inside = std::find(std::begin(kTold), std::end(kTold), name) != std::end(kTold);
      if (inside) tables.push_back({.name = std::string(name), .about = about, .columns = {}});
    } else if (!line.starts_with("  ")) {
      inside = false;
    } else if (inside) {
      add_column(tables.back(), line);
    }
  }
  NETREC_CHECK(tables.size() == std::size(kTold), "every told table is in timeline.sql");
  return tables;
}

}  // namespace

std::span<const PlainTable> plain_tables() {
  static const std::vector<PlainTable> tables = read_declarations();
  return tables;
}

}  // namespace netrec
