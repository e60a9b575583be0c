// What the replay looks like: everything that is put on the screen, and nothing that changes what
// is shown.
#pragma once

#include <string>
#include <vector>

#include "query/activity.h"
#include "query/context.h"
#include "query/replay.h"
#include "query/screen.h"

namespace netrec {

/// How the screen stands, apart from the recording itself.
struct ReplayPose {
  bool playing = false;
  double speed = 1;
  bool following = false;
  bool extended = false;
  std::size_t selected = 0;  ///< row of Replay::rows()
  std::size_t top = 0;       ///< first one on the screen
  std::string filter;        ///< as written
  std::string message;       ///< shown in the last line until the next key
  bool message_is_error = false;
};

/// What stays the same while it is played.
struct ReplayScene {
  std::string host;
  TimeRange range;
  std::vector<HiddenTime> hidden;
};

class ReplayDrawing {
 public:
  ReplayDrawing(Context& context, Screen& screen, const Replay& replay, const ReplayScene& scene,
                const Activity& activity)
      : context_(&context),
        screen_(&screen),
        replay_(&replay),
        scene_(&scene),
        activity_(&activity) {}

  void draw(const ReplayPose& pose);
  /// The keys.
  void draw_help();
  /// All that is known of one socket.
  void draw_details(const ReplayRow& row);
  /// A line to type in, in place of the last one.
  void draw_prompt(std::string_view question, std::string_view typed, std::string_view complaint);

  /// How many sockets fit.
  std::size_t table_rows() const;

 private:
  void draw_title(const ReplayPose& pose);
  void draw_timeline();
  void draw_summary(const ReplayPose& pose);
  void draw_table(const ReplayPose& pose);
  void draw_row(int line, const ReplayRow& row, bool selected, const std::vector<int>& widths,
                bool extended);
  void draw_footer(const ReplayPose& pose);
  void draw_box(const std::vector<std::string>& lines, std::string_view title);
  std::vector<std::string> cells(const ReplayRow& row, bool extended);
  std::vector<int> widths(const ReplayPose& pose);

  Context* context_;
  Screen* screen_;
  const Replay* replay_;
  const ReplayScene* scene_;
  const Activity* activity_;
};

}  // namespace netrec
