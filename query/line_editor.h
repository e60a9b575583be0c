// A line typed on the terminal, with history and completion: libedit behind three functions.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace netrec {

class LineEditor {
 public:
  using Completions = std::function<std::vector<std::string>(std::string_view begun)>;

  /// `history`: the name of the file under ${XDG_STATE_HOME:-~/.local/state}/netrec.
  LineEditor(std::string_view history, Completions completions);
  /// Writes the history.
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  struct Line {
    std::string text;
    bool ended = false;      ///< Ctrl-D on an empty line, or the terminal is gone
    bool cancelled = false;  ///< Ctrl-C
  };
  Line read(std::string_view prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace netrec
