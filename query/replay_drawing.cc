#include "query/replay_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "query/escape.h"
#include "query/human.h"
#include "query/names.h"
#include "query/socket_columns.h"
#include "query/sparkline.h"

namespace netrec {

namespace {

constexpr int kTitleLine = 0;
constexpr int kActivityLine = 1;
constexpr int kRulerLine = 2;
constexpr int kSummaryLine = 3;
constexpr int kHeaderLine = 4;
constexpr int kFirstRow = 5;

struct TableColumn {
  const char* title;
  bool right = false;
  bool elastic = false;  ///< shares the width that is over, and is cut first
  bool extended = false;
};

constexpr TableColumn kColumns[] = {{" "},
                                    {"Proto"},
                                    {"Recv-Q", true},
                                    {"Send-Q", true},
                                    {"Local Address", false, true},
                                    {"Foreign Address", false, true},
                                    {"State"},
                                    {"Sent", true, false, true},
                                    {"Received", true, false, true},
                                    {"RTT", true, false, true},
                                    {"Age", true, false, true},
                                    {"PID/Program", false, true}};

bool is_shown(const TableColumn& column, bool extended) { return extended || !column.extended; }

Style style_of(const ReplayRow& row) {
  switch (row.mark) {
    case Mark::opened:
      return Style::good;
    case Mark::closed:
      return Style::bad;
    case Mark::state:
      return Style::warning;
    case Mark::counters:
    case Mark::none:
      break;
  }
  return row.socket.state == TcpState::time_wait ? Style::dim : Style::plain;
}

std::string_view sign_of(Mark mark) {
  switch (mark) {
    case Mark::opened:
      return "+";
    case Mark::closed:
      return "-";
    case Mark::state:
      return "~";
    case Mark::counters:
      return "·";
    case Mark::none:
      break;
  }
  return " ";
}

std::string speed_text(double speed) {
  return speed >= 1 ? fmt::format("{:.0f}×", speed) : fmt::format("1/{:.0f}×", 1 / speed);
}

std::string joined(std::string_view a, std::string_view b) {
  return a.empty() ? std::string(b) : fmt::format("{}  {}", a, b);
}

/// "2 opened, 1 closed".
std::string news_text(const ReplayNews& news) {
  std::string text;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(news.opened, "opened");
  add(news.closed, "closed");
  add(news.changed_state, "changed state");
  return text;
}

/// "ESTABLISHED 12  TIME_WAIT 3", the most first.
std::string states_text(const std::vector<ReplayRow>& rows) {
  std::map<std::string_view, std::uint64_t> counts;
  for (const ReplayRow& row : rows)
    if (row.mark != Mark::closed && !state_text(row.socket).empty())
      ++counts[state_text(row.socket)];
  std::vector<std::pair<std::string_view, std::uint64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [state, count] : order) text = joined(text, fmt::format("{} {}", state, count));
  return text;
}

}  // namespace

std::size_t ReplayDrawing::table_rows() const {
  return static_cast<std::size_t>(std::max(1, screen_->rows() - kFirstRow - 1));
}

void ReplayDrawing::draw(const ReplayPose& pose) {
  screen_->clear();
  draw_title(pose);
  draw_timeline();
  draw_summary(pose);
  draw_table(pose);
  draw_footer(pose);
  screen_->place_cursor(-1, 0);
  screen_->show();
}

void ReplayDrawing::draw_title(const ReplayPose& pose) {
  const Frame& frame = replay_->frame();
  const Look bar{Style::plain, true};
  const std::string state = pose.playing     ? fmt::format("▶ {}", speed_text(pose.speed))
                            : pose.following ? "▶ following"
                                             : fmt::format("‖ {}", speed_text(pose.speed));
  const std::string left =
      fmt::format(" {}{}{}  #{}  ", escape(scene_->host), scene_->host.empty() ? "" : "  ",
                  human_time(frame.wall, TimeStyle::full), frame.sequence);
  screen_->fill(kTitleLine, 0, bar);
  int column = screen_->put(kTitleLine, 0, left, bar);
  column = screen_->put(kTitleLine, column, state, bar);
  if (replay_->cursor().begins_session())
    column = screen_->put(kTitleLine, column, "  the recorder started here", bar);
  else if (frame.kind == FrameKind::keyframe)
    column = screen_->put(kTitleLine, column, "  (keyframe)", bar);
  if (replay_->at_end()) column = screen_->put(kTitleLine, column, "  end", bar);
  const std::string right = news_text(replay_->news()) + " ";
  const int place = screen_->columns() - static_cast<int>(display_width(right));
  if (place > column + 1) screen_->put(kTitleLine, place, right, bar);
}

// What happened over the whole recording, where nobody looked, and where one is.
void ReplayDrawing::draw_timeline() {
  const auto width = static_cast<std::size_t>(std::max(1, screen_->columns()));
  const std::vector<std::uint64_t> counts = activity_->columns(width);
  const std::vector<bool> gaps = hidden_columns(scene_->hidden, scene_->range, width);
  const std::string bars = sparkline(counts);
  std::string_view rest = bars;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t size = rest.empty() ? 0 : rest.front() == ' ' ? 1 : 3;
    const std::string_view bar = rest.substr(0, size);
    if (gaps[i])
      screen_->put(kActivityLine, static_cast<int>(i), "░", {Style::bad});
    else
      screen_->put(kActivityLine, static_cast<int>(i), bar, {Style::accent});
    rest.remove_prefix(size);
  }
  const bool one_day = same_local_day(scene_->range.from, scene_->range.to);
  const TimeStyle style = one_day ? TimeStyle::time_of_day : TimeStyle::seconds;
  const auto short_time = [&](WallTime time) {
    std::string text = human_time(time, style);
    return one_day ? text.substr(0, 8) : text;
  };
  const std::string begin = short_time(scene_->range.from);
  const std::string end = short_time(scene_->range.to);
  std::string line;
  for (std::size_t i = 0; i < width; ++i) line += "─";
  screen_->put(kRulerLine, 0, line, {Style::dim});
  screen_->put(kRulerLine, 1, fmt::format(" {} ", begin), {Style::dim});
  screen_->put(kRulerLine, static_cast<int>(width - std::min(width, end.size() + 1)), " " + end,
               {Style::dim});
  const std::size_t here = column_of(replay_->frame().wall, scene_->range, width);
  screen_->put(kRulerLine, static_cast<int>(here), "▲", {Style::strong});
}

void ReplayDrawing::draw_summary(const ReplayPose& pose) {
  const auto& rows = replay_->rows();
  const auto there = static_cast<std::uint64_t>(
      std::count_if(rows.begin(), rows.end(), [](auto& row) { return row.mark != Mark::closed; }));
  const std::string count = " " + counted(there, "socket", "sockets");
  int column = screen_->put(kSummaryLine, 0, count, {Style::strong});
  column = screen_->put(kSummaryLine, column, "  " + states_text(rows), {});
  std::string right;
  if (!pose.filter.empty()) right = joined(right, "filter: " + escape(pose.filter));
  if (replay_->order() != ReplayOrder::listing)
    right = joined(right, fmt::format("by {}", name(replay_->order())));
  const ReplayKinds& kinds = replay_->kinds();
  right = joined(right, fmt::format("{}{}{}", kinds.tcp ? "T" : "·", kinds.udp ? "U" : "·",
                                    kinds.local ? "X" : "·"));
  const int place = screen_->columns() - static_cast<int>(display_width(right)) - 1;
  screen_->put(kSummaryLine, std::max(0, place - 1), " " + right, {Style::accent});
}

std::vector<std::string> ReplayDrawing::cells(const ReplayRow& row, bool extended) {
  const Socket& socket = row.socket;
  const Snapshot& names = replay_->snapshot();
  EndpointNames& endpoints = context_->endpoint_names();
  std::vector<std::string> cells = {
      std::string(sign_of(row.mark)),         protocol_text(socket),
      std::to_string(socket.receive_queue),   std::to_string(socket.send_queue),
      escape(endpoints.local(socket, names)), escape(endpoints.remote(socket, names)),
      std::string(state_text(socket))};
  if (extended) {
    const std::uint64_t now = to_us(replay_->frame().wall);
    const std::uint64_t age = now > socket.opened_us ? now - socket.opened_us : 0;
    cells.push_back(socket.bytes_sent == 0 ? "" : human_bytes(socket.bytes_sent));
    cells.push_back(socket.bytes_received == 0 ? "" : human_bytes(socket.bytes_received));
    cells.push_back(socket.rtt_us == 0 ? "" : human_duration(socket.rtt_us));
    cells.push_back((socket.opened_after_us == 0 ? ">" : "") + human_duration(age));
  }
  cells.push_back(escape(program_text(socket, names)));
  return cells;
}

// As wide as what is on the screen; the elastic ones give way where it is too much.
std::vector<int> ReplayDrawing::widths(const ReplayPose& pose) {
  std::vector<int> widths;
  std::vector<std::size_t> elastic;
  for (const TableColumn& column : kColumns) {
    if (!is_shown(column, pose.extended)) continue;
    if (column.elastic) elastic.push_back(widths.size());
    widths.push_back(static_cast<int>(display_width(column.title)));
  }
  const auto& rows = replay_->rows();
  const std::size_t end = std::min(rows.size(), pose.top + table_rows());
  for (std::size_t i = pose.top; i < end; ++i) {
    const std::vector<std::string> texts = cells(rows[i], pose.extended);
    for (std::size_t c = 0; c < texts.size(); ++c)
      widths[c] = std::max(widths[c], static_cast<int>(display_width(texts[c])));
  }
  // Endpoints keep a usual width, so that the table does not jump from frame to frame.
  constexpr int kUsual = 21;
  for (const std::size_t c : elastic)
    if (c != widths.size() - 1) widths[c] = std::max(widths[c], kUsual);
  int total = static_cast<int>(widths.size()) - 1;
  for (const int width : widths) total += width;
  constexpr int kNarrowest = 9;
  while (total > screen_->columns()) {
    const auto widest =
        *std::max_element(elastic.begin(), elastic.end(),
                          [&](std::size_t a, std::size_t b) { return widths[a] < widths[b]; });
    if (widths[widest] <= kNarrowest) break;
    --widths[widest];
    --total;
  }
  return widths;
}

void ReplayDrawing::draw_table(const ReplayPose& pose) {
  const std::vector<int> columns = widths(pose);
  const Look header{Style::strong, false};
  int place = 0;
  std::size_t c = 0;
  for (const TableColumn& column : kColumns) {
    if (!is_shown(column, pose.extended)) continue;
    const auto width = static_cast<std::size_t>(columns[c++]);
    screen_->put(kHeaderLine, place, fitted(column.title, width, column.right), header);
    place += static_cast<int>(width) + 1;
  }
  const auto& rows = replay_->rows();
  if (rows.empty()) screen_->put(kFirstRow, 2, "no socket to show", {Style::dim});
  const std::size_t end = std::min(rows.size(), pose.top + table_rows());
  for (std::size_t i = pose.top; i < end; ++i)
    draw_row(kFirstRow + static_cast<int>(i - pose.top), rows[i], i == pose.selected, columns,
             pose.extended);
}

void ReplayDrawing::draw_row(int line, const ReplayRow& row, bool selected,
                             const std::vector<int>& widths, bool extended) {
  const std::vector<std::string> texts = cells(row, extended);
  const Look look{style_of(row), selected};
  std::string text;
  std::size_t c = 0;
  for (const TableColumn& column : kColumns) {
    if (!is_shown(column, extended)) continue;
    if (c > 0) text += ' ';
    text += fitted(texts[c], static_cast<std::size_t>(widths[c]), column.right);
    ++c;
  }
  if (selected) screen_->fill(line, 0, look);
  screen_->put(line, 0, text, look);
}

void ReplayDrawing::draw_footer(const ReplayPose& pose) {
  const int line = screen_->rows() - 1;
  if (!pose.message.empty()) {
    screen_->put(line, 0, " " + pose.message, {pose.message_is_error ? Style::bad : Style::accent});
    return;
  }
  screen_->put(
      line, 0,
      " space play  ←→ step  [ ] change  g go  / filter  +- speed  s sort  t u x kinds  e more  "
      "? help  q quit",
      {Style::dim});
}

void ReplayDrawing::draw_box(const std::vector<std::string>& lines, std::string_view title) {
  std::size_t width = display_width(title) + 4;
  for (const std::string& line : lines) width = std::max(width, display_width(line) + 4);
  width = std::min(width, static_cast<std::size_t>(std::max(4, screen_->columns() - 2)));
  const int height = std::min(static_cast<int>(lines.size()) + 2, screen_->rows());
  const int top = std::max(0, (screen_->rows() - height) / 2);
  const int left = std::max(0, (screen_->columns() - static_cast<int>(width)) / 2);
  std::string edge;
  for (std::size_t i = 2; i < width; ++i) edge += "─";
  screen_->put(top, left, "┌" + edge + "┐", {Style::accent});
  screen_->put(top, left + 2, fmt::format(" {} ", title), {Style::strong});
  for (int i = 0; i + 2 < height; ++i) {
    screen_->put(top + 1 + i, left, "│", {Style::accent});
    screen_->put(top + 1 + i, left + 1,
                 " " + fitted(lines[static_cast<std::size_t>(i)], width - 4) + " ", {});
    screen_->put(top + 1 + i, left + static_cast<int>(width) - 1, "│", {Style::accent});
  }
  screen_->put(top + height - 1, left, "└" + edge + "┘", {Style::accent});
  screen_->show();
}

void ReplayDrawing::draw_help() {
  draw_box(
      {"space          play, pause", "← →            the frame before, the next one",
       "[ ]  , .       the change before, the next one (of a socket shown)",
       "{ }            a minute back, on", "Home End       the beginning, the end",
       "g              go to a time: 12:03:10, -2h, @epoch, #frame",
       "+ -            faster, slower", "", "↑ ↓ PgUp PgDn  choose a socket; enter tells all of it",
       "/              filter: dst 10.0.0.0/8 and dport = :443",
       "t u x          show TCP, UDP and raw, UNIX and packet sockets",
       "s S            the next order, the one before", "e              more columns",
       "q              quit", "",
       "+ opened   - closed   ~ changed state or owner   · other values changed",
       "the upper line: openings and closings over time; ░ a gap in the recording"},
      "netrec replay");
}

void ReplayDrawing::draw_details(const ReplayRow& row) {
  const Socket& socket = row.socket;
  const Snapshot& names = replay_->snapshot();
  EndpointNames& endpoints = context_->endpoint_names();
  std::vector<std::string> lines = {fmt::format("{}  {}  {}", protocol_text(socket),
                                                state_text(socket),
                                                escape(program_text(socket, names)))};
  if (const Process* owner = owner_of(socket, names))
    lines.push_back(escape(command_line_text(*owner, names)));
  for (std::string& line : socket_details(socket, names, to_us(replay_->frame().wall)))
    lines.push_back(std::move(line));
  const std::string remote = endpoints.remote(socket, names);
  const std::string title =
      escape(endpoints.local(socket, names)) + (remote.empty() ? "" : " ↔ " + escape(remote));
  draw_box(lines, title);
}

void ReplayDrawing::draw_prompt(std::string_view question, std::string_view typed,
                                std::string_view complaint) {
  const int line = screen_->rows() - 1;
  screen_->fill(line, 0, {});
  if (!complaint.empty()) {
    screen_->fill(line - 1, 0, {});
    screen_->put(line - 1, 0, " " + std::string(complaint), {Style::bad});
  }
  const int column = screen_->put(line, 0, fmt::format(" {} ", question), {Style::strong});
  const int end = screen_->put(line, column, escape(typed), {});
  screen_->place_cursor(line, end);
  screen_->show();
}

}  // namespace netrec
