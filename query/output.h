// Where answers go: one interface, and behind it a table for people or JSON, NDJSON and CSV for
// programs. Commands say *what* they found, once; nobody formats twice.
//
// All text is written through escape(): `\xNN` for what is not printable UTF-8, `\\` for a
// backslash, in every format alike, so bytes that are no UTF-8 survive a trip through JSON. JSON
// and CSV then add their own quoting; CSV also disarms cells a spreadsheet would run as formulas.
//
// Refused: a column library or a template engine (widths, colours and four writers are 400 lines).
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/human.h"
#include "query/value.h"
#include "schema/result.h"

namespace netrec {

enum class Format { table, json, ndjson, csv };

/// What a column's numbers are. Tables show them as people read them, machine formats as they are
/// (name the unit in the key).
enum class Unit {
  text,         ///< left-aligned
  number,       ///< as it is
  count,        ///< grouped by three
  bytes,        ///< "12.3 KiB"
  duration_us,  ///< "4 min 10 s"
  instant_us,   ///< local time; RFC 3339 in UTC for machines; 0 is nothing
  percent,      ///< "12.5 %"
  per_second,   ///< "12.5/s"
};

/// Which formats a column is for: a table shows "192.0.2.1:443" where programs get two columns.
enum class Place { everywhere, table, machine };

/// What may be cut where a terminal is too narrow. Pipes and machine formats are never cut.
enum class Fit { whole, cut_end, cut_start };

struct Column {
  std::string key;    ///< in JSON and CSV, with its unit: "lifetime_us"
  std::string title;  ///< in a table: "Lifetime"
  Unit unit = Unit::text;
  Place place = Place::everywhere;
  Fit fit = Fit::whole;
};

/// Rows of one kind. JSON: an array called `many`. NDJSON: each line has "record": `one`. CSV: a
/// header line; a second section of an answer follows an empty line.
struct Section {
  std::string one;   ///< "socket"
  std::string many;  ///< "sockets"
  std::vector<Column> columns;
};

/// Something the reader must know about an answer: a gap or damage it touches.
struct Notice {
  std::string cause;  ///< name of a GapCause, or of ours: "beyond_end"
  std::uint64_t from_us = 0;
  std::uint64_t to_us = 0;
  std::string text;  ///< for people, of ours (what of it came from the file is escaped already)
};

class Output {
 public:
  virtual ~Output() = default;

  /// A fact about the answer as a whole; a member of the JSON object, a line of NDJSON. Tables and
  /// CSV do not show it: they have text().
  virtual void fact(std::string_view key, const Value& value, Unit unit = Unit::text) = 0;
  /// A line for people: a heading, a summary. Only tables have it. Escape what is of the file.
  virtual void text(std::string_view line, Style style = Style::plain) = 0;

  virtual void begin(const Section& section) = 0;
  /// REQUIRES: between begin() and end(); one cell a column.
  virtual void row(Row row) = 0;
  /// A line for people under the last row. Only tables have it. Escape what is of the file.
  virtual void detail(std::string_view line) = 0;
  virtual void end() = 0;

  /// Tables and CSV: a line on stderr, after the rows.
  virtual void notice(const Notice& notice) = 0;
  /// Writes what is outstanding. Errors: io (the disk is full, …).
  virtual Status finish() = 0;
};

struct OutputOptions {
  Format format = Format::table;
  bool color = false;
  bool color_err = false;             ///< of notices
  std::size_t width = 0;              ///< columns of the terminal; 0: not one, nothing is cut
  TimeStyle times = TimeStyle::full;  ///< of instants in tables
  std::FILE* out = stdout;
  std::FILE* err = stderr;
};

/// `command` is written into JSON answers.
std::unique_ptr<Output> make_output(const OutputOptions& options, std::string_view command);

/// `text` in the colours of `style`, or as it is.
std::string styled(std::string_view text, Style style, bool color);

/// A value as a table shows it: escaped, by unit.
std::string table_text(const Value& value, Unit unit, TimeStyle times);

}  // namespace netrec
