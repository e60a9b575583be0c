// How netrec says that something did not work: a Result is a value or an Error, and nothing in
// this house throws across a function of its own.
//
// Refused: std::error_code (no place for what was being done) and exceptions (a decoder of hostile
// bytes fails as a matter of course). SQLite::Exception ends in store/database.cc.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace netrec {

/// What kind of failure it is: enough to choose an exit code, not to reconstruct the cause.
enum class ErrorKind {
  not_found,         ///< the file, the frame, the instant does not exist
  corrupt,           ///< bytes that are not what the format says
  unsupported,       ///< a newer format, a kernel without the interface
  invalid_argument,  ///< what the caller or the user asked cannot be asked
  permission,        ///< the kernel or the file system said no
  busy,              ///< somebody else holds it
  full,              ///< no room on the device, or the size limit is reached
  io,                ///< anything else the outside world refused
};

/// Stable word for `kind`, as printed and as written to JSON.
std::string_view name(ErrorKind kind);

/// A failure: a category, and a message that reads from the outermost thing being done to the
/// cause ("open /var/lib/netrec/timeline.netrec: not a timeline").
struct Error {
  ErrorKind kind = ErrorKind::io;
  std::string message;

  /// The same failure, with what was being done in front of it.
  Error while_doing(std::string_view what) && {
    return {kind, fmt::format("{}: {}", what, message)};
  }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

/// An Error ready to be returned from a function that returns a Result.
template <class... Args>
tl::unexpected<Error> failure(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

/// An Error for a failed system call: the category follows `error_number` (an errno value) and the
/// message ends in its text.
Error system_error(int error_number, std::string_view what);

/// Ends the program with `text` where an invariant of ours is broken, in release builds too:
/// evidence is not made by a program that no longer knows what it is doing.
[[noreturn]] void broken_invariant(std::string_view text, const char* file, int line);

}  // namespace netrec

/// States an invariant; a REQUIRES of a caller is checked with it too.
#define NETREC_CHECK(condition, text)                                         \
  do {                                                                        \
    if (!(condition)) ::netrec::broken_invariant((text), __FILE__, __LINE__); \
  } while (false)

/// `auto name = expression` where the expression is a Result; returns its Error from the enclosing
/// function if it failed.
#define NETREC_TRY_CAT2(a, b) a##b
#define NETREC_TRY_CAT(a, b) NETREC_TRY_CAT2(a, b)
#define NETREC_TRY(name, expression) \
  NETREC_TRY_IMPL(name, expression, NETREC_TRY_CAT(try_, __LINE__))
#define NETREC_TRY_IMPL(name, expression, temporary)                                    \
  auto&& temporary = (expression);                                                      \
  if (!temporary) return tl::unexpected<::netrec::Error>(std::move(temporary).error()); \
  auto name = *std::move(temporary)

/// The same for a Status, whose value is nothing.
#define NETREC_CHECKED(expression)                                               \
  do {                                                                           \
    if (auto status_of_this = (expression); !status_of_this)                     \
      return tl::unexpected<::netrec::Error>(std::move(status_of_this).error()); \
  } while (false)
