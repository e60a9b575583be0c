#include "query/screen.h"

// NCURSES_NOMACROS: its functions, not macros called clear and move.
#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdlib>

#include "query/human.h"
#include "schema/utf8.h"

namespace netrec {

namespace {

volatile std::sig_atomic_t end_asked = 0;
termios terminal_before{};

void ask_to_end(int) { end_asked = 1; }

// Only what may be called in a signal handler: leaves the alternate screen, shows the cursor, and
// dies as the signal means.
void restore_and_die(int signal) {
  constexpr std::string_view kLeave = "\x1b[?1049l\x1b[?25h\x1b[0m\r\n";
  static_cast<void>(!::write(STDOUT_FILENO, kLeave.data(), kLeave.size()));
  ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = ask_to_end;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  action.sa_handler = restore_and_die;
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL})
    sigaction(signal, &action, nullptr);
}

short pair_of(Style style) { return static_cast<short>(static_cast<int>(style) + 1); }

void make_colors() {
  start_color();
  use_default_colors();
  init_pair(pair_of(Style::plain), -1, -1);
  init_pair(pair_of(Style::dim), -1, -1);
  init_pair(pair_of(Style::strong), -1, -1);
  init_pair(pair_of(Style::good), COLOR_GREEN, -1);
  init_pair(pair_of(Style::warning), COLOR_YELLOW, -1);
  init_pair(pair_of(Style::bad), COLOR_RED, -1);
  init_pair(pair_of(Style::accent), COLOR_CYAN, -1);
}

attr_t attributes_of(Look look) {
  attr_t attributes = A_NORMAL;
  if (look.style == Style::dim) attributes |= A_DIM;
  if (look.style == Style::strong || look.style == Style::accent) attributes |= A_BOLD;
  if (look.reversed) attributes |= A_REVERSE;
  return attributes;
}

Key key_of(wint_t code) {
  switch (code) {
    case KEY_UP:
      return Key::up;
    case KEY_DOWN:
      return Key::down;
    case KEY_LEFT:
      return Key::left;
    case KEY_RIGHT:
      return Key::right;
    case KEY_PPAGE:
      return Key::page_up;
    case KEY_NPAGE:
      return Key::page_down;
    case KEY_HOME:
      return Key::home;
    case KEY_END:
      return Key::end;
    case KEY_ENTER:
      return Key::enter;
    case KEY_BACKSPACE:
      return Key::backspace;
    case KEY_RESIZE:
      return Key::resized;
    default:
      return Key::other;
  }
}

}  // namespace

struct Screen::State {
  SCREEN* terminal = nullptr;
  bool color = false;

  ~State() {
    endwin();
    delscreen(terminal);
  }
};

Screen::Screen(std::unique_ptr<State> state) : state_(std::move(state)) {}
Screen::Screen(Screen&&) noexcept = default;
Screen::~Screen() = default;

Result<Screen> Screen::open(bool color) {
  if (::tcgetattr(STDIN_FILENO, &terminal_before) != 0)
    return failure(ErrorKind::unsupported, "the keyboard is not a terminal");
  SCREEN* terminal = newterm(nullptr, stdout, stdin);
  if (terminal == nullptr) {
    const char* name = std::getenv("TERM");
    return failure(ErrorKind::unsupported, "the terminal '{}' is not known",
                   name == nullptr ? "" : name);
  }
  auto state = std::make_unique<State>();
  state->terminal = terminal;
  set_term(terminal);
  catch_signals();
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  set_escdelay(50);
  curs_set(0);
  state->color = color && has_colors();
  if (state->color) make_colors();
  return Screen(std::move(state));
}

int Screen::rows() const { return getmaxy(stdscr); }
int Screen::columns() const { return getmaxx(stdscr); }

void Screen::clear() { werase(stdscr); }

int Screen::put(int row, int column, std::string_view text, Look look) {
  const int room = columns() - column;
  if (row < 0 || row >= rows() || room <= 0) return column;
  const std::string cut = display_width(text) > static_cast<std::size_t>(room)
                              ? fitted(text, static_cast<std::size_t>(room))
                              : std::string(text);
  const short pair = state_->color ? pair_of(look.style) : short{0};
  wattr_set(stdscr, attributes_of(look), pair, nullptr);
  mvwaddnstr(stdscr, row, column, cut.data(), static_cast<int>(cut.size()));
  wattr_set(stdscr, A_NORMAL, 0, nullptr);
  return column + static_cast<int>(display_width(cut));
}

void Screen::fill(int row, int column, Look look) {
  if (column < columns())
    put(row, column, std::string(static_cast<std::size_t>(columns() - column), ' '), look);
}

void Screen::show() { wrefresh(stdscr); }

void Screen::place_cursor(int row, int column) {
  curs_set(row < 0 ? 0 : 1);
  if (row >= 0) wmove(stdscr, row, std::min(column, columns() - 1));
}

Key Screen::read(std::chrono::milliseconds wait) {
  wtimeout(stdscr, static_cast<int>(wait.count()));
  wint_t code = 0;
  const int kind = wget_wch(stdscr, &code);
  if (kind == ERR) return Key::none;
  if (kind == KEY_CODE_YES) return key_of(code);
  if (code == '\r') return Key::enter;
  if (code == 127) return Key::backspace;
  return static_cast<Key>(code);
}

bool Screen::asked_to_end() { return end_asked != 0; }

std::string fitted(std::string_view text, std::size_t width, bool right_aligned) {
  const std::size_t taken = display_width(text);
  if (taken <= width) {
    const std::string padding(width - taken, ' ');
    return right_aligned ? padding + std::string(text) : std::string(text) + padding;
  }
  if (width == 0) return "";
  std::string cut;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t size = std::max<std::size_t>(1, first_character(text).size);
    const std::size_t columns = display_width(text.substr(0, size));
    if (used + columns > width - 1) break;
    cut += text.substr(0, size);
    used += columns;
    text.remove_prefix(size);
  }
  return cut + "…" + std::string(width - 1 - used, ' ');
}

}  // namespace netrec
