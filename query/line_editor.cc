#include "query/line_editor.h"

#include <histedit.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace netrec {

namespace {

constexpr int kHistoryLines = 1000;

volatile std::sig_atomic_t cancelled = 0;
void cancel(int) { cancelled = 1; }

std::string state_file(std::string_view name) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state != nullptr && *state == '/')
    folder = state;
  else if (home != nullptr && *home == '/')
    folder = std::filesystem::path(home) / ".local" / "state";
  else
    return "";
  folder /= "netrec";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? "" : (folder / name).string();
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

/// What all of `words` begin with.
std::string common_beginning(const std::vector<std::string>& words) {
  std::string common = words.front();
  for (const std::string& word : words) {
    const auto [end, other] = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
    common.erase(end, common.end());
  }
  return common;
}

}  // namespace

struct LineEditor::State {
  struct End {
    void operator()(EditLine* one) const { el_end(one); }
    void operator()(History* one) const { history_end(one); }
  };
  Completions completions;
  std::string path;
  std::string prompt;
  std::unique_ptr<History, End> history{history_init()};
  std::unique_ptr<EditLine, End> editor{el_init("netrec", stdin, stdout, stderr)};

  static State* of(EditLine* editor) {
    State* state = nullptr;
    el_get(editor, EL_CLIENTDATA, &state);
    return state;
  }
  unsigned char complete();
};

// Completes as far as it is clear; shows what there is where it is not.
unsigned char LineEditor::State::complete() {
  const LineInfo* line = el_line(editor.get());
  const char* begin = line->cursor;
  while (begin > line->buffer && is_word(begin[-1])) --begin;
  const std::string begun(begin, line->cursor);
  const std::vector<std::string> words = completions(begun);
  if (words.empty()) return CC_REFRESH_BEEP;
  std::string whole = common_beginning(words);
  if (words.size() == 1 && !whole.ends_with('(')) whole += ' ';
  if (whole.size() > begun.size()) {
    el_deletestr(editor.get(), static_cast<int>(begun.size()));
    el_insertstr(editor.get(), whole.c_str());
    return CC_REFRESH;
  }
  std::fputc('\n', stdout);
  for (const std::string& word : words) std::fprintf(stdout, "%s  ", word.c_str());
  std::fputc('\n', stdout);
  return CC_REDISPLAY;
}

LineEditor::LineEditor(std::string_view history, Completions completions)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.completions = std::move(completions);
  state.path = state_file(history);
  EditLine* editor = state.editor.get();
  HistEvent event{};
  ::history(state.history.get(), &event, H_SETSIZE, kHistoryLines);
  ::history(state.history.get(), &event, H_SETUNIQUE, 1);
  if (!state.path.empty()) ::history(state.history.get(), &event, H_LOAD, state.path.c_str());
  el_set(editor, EL_CLIENTDATA, &state);
  el_set(
      editor, EL_PROMPT, +[](EditLine* of) { return State::of(of)->prompt.data(); });
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_HIST, ::history, state.history.get());
  el_set(
      editor, EL_ADDFN, "netrec-complete", "Completes a word",
      +[](EditLine* of, int) { return State::of(of)->complete(); });
  el_set(editor, EL_BIND, "^I", "netrec-complete", nullptr);
  el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_set(editor, EL_SIGNAL, 0);
  el_source(editor, nullptr);
}

LineEditor::~LineEditor() {
  HistEvent event{};
  if (!state_->path.empty()) ::history(state_->history.get(), &event, H_SAVE, state_->path.c_str());
}

LineEditor::Line LineEditor::read(std::string_view prompt) {
  State& state = *state_;
  state.prompt = prompt;
  struct sigaction before {};
  struct sigaction action {};
  action.sa_handler = cancel;
  sigaction(SIGINT, &action, &before);
  cancelled = 0;
  int count = 0;
  const char* text = el_gets(state.editor.get(), &count);
  sigaction(SIGINT, &before, nullptr);
  if (cancelled != 0) {
    el_reset(state.editor.get());
    std::fputs("^C\n", stdout);
    return {"", false, true};
  }
  if (text == nullptr || count <= 0) {
    std::fputc('\n', stdout);
    return {"", true, false};
  }
  std::string line(text, static_cast<std::size_t>(count));
  HistEvent event{};
  if (line.find_first_not_of(" \t\n") != std::string::npos)
    ::history(state.history.get(), &event, H_ENTER, text);
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return {std::move(line), false, false};
}

}  // namespace netrec
