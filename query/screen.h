// The whole terminal, through ncurses: begins and ends with this object, also where a signal or a
// crash ends the program. Nobody else includes curses.h: its macros are not for other files.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "query/value.h"
#include "schema/result.h"

namespace netrec {

/// A key pressed. Characters are themselves.
enum class Key : int {
  none = 0,  ///< the time was up
  backspace = 8,
  tab = 9,
  enter = 10,
  escape = 27,
  up = 0x110000,  // above Unicode
  down,
  left,
  right,
  page_up,
  page_down,
  home,
  end,
  resized,
  other,
};

/// How text stands out.
struct Look {
  Style style = Style::plain;
  bool reversed = false;
};

class Screen {
 public:
  /// Errors: unsupported (the terminal is not known, or not one).
  static Result<Screen> open(bool color);
  Screen(Screen&&) noexcept;
  Screen& operator=(Screen&&) = delete;
  /// Gives the terminal back as it was.
  ~Screen();

  int rows() const;
  int columns() const;

  void clear();
  /// Writes `text` (UTF-8, escaped) at the place, cut at the right edge. Returns the column behind.
  int put(int row, int column, std::string_view text, Look look = {});
  /// Fills a line from `column` on.
  void fill(int row, int column, Look look);
  /// Shows what was put since.
  void show();
  /// Shows the cursor there, for somebody who types; a row of -1 hides it.
  void place_cursor(int row, int column);

  /// Waits for a key. Characters come as Key(code point).
  Key read(std::chrono::milliseconds wait);
  /// True if a signal wants the program to end.
  static bool asked_to_end();

 private:
  struct State;
  explicit Screen(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// `text` cut or padded to `width` columns; what was cut is told by "…".
std::string fitted(std::string_view text, std::size_t width, bool right_aligned = false);

}  // namespace netrec
