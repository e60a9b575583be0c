// Reads a written time, character by character so that an error can point at one. For
// query/time_spec.cc alone.
#pragma once

#include "query/time_spec.h"

namespace netrec {

class TimeParser {
 public:
  /// `text` must outlive the parser.
  explicit TimeParser(std::string_view text) : text_(text) {}

  Result<TimeSpec> time();
  Result<std::chrono::microseconds> duration();

 private:
  std::string_view text_;
  std::size_t place_ = 0;

  bool at_end() const { return place_ == text_.size(); }
  char peek(std::size_t ahead = 0) const;
  bool accept(char c);
  bool accept_word(std::string_view word);
  void skip_blanks();
  tl::unexpected<Error> wanted(std::string_view expected) const;

  Result<std::uint64_t> number(std::string_view what, std::size_t digits_at_most = 18);
  /// Exactly two digits, at most `largest`.
  Result<int> two_digits(std::string_view what, int largest);
  /// The digits behind a point, as microseconds; more than six are cut off.
  Result<std::chrono::microseconds> fraction();

  Status base(TimeSpec& spec);
  Status date_and_time(TimeSpec& spec);
  Result<std::chrono::year_month_day> date();
  Result<std::chrono::microseconds> clock();
  bool date_follows() const;
  bool clock_follows() const;
  /// "Z", "UTC", "+01:00", "-0530" make an instant of a clock time.
  Status offset(TimeSpec& spec);
  bool offset_follows() const;
  Status shifts(TimeSpec& spec);
  Result<std::chrono::microseconds> units();
};

}  // namespace netrec
