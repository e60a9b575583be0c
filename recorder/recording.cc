#include "recorder/recording.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "recorder/host.h"
#include "recorder/quantity.h"
#include "store/timeline.h"

namespace netrec {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// After a frame that found no room: not sooner than this, and with this much room.
constexpr seconds kFirstRetry{1};
constexpr seconds kLastRetry{60};
constexpr std::uint64_t kRoomToResume = 1 << 20;
// How often it is looked whether the file is still there under its name.
constexpr seconds kTendEvery{5};

WriterOptions writer_options(const RecordOptions& options) {
  WriterOptions writer;
  writer.max_size_bytes = options.max_size_bytes;
  writer.max_age = std::chrono::duration_cast<seconds>(options.max_age);
  writer.sealing = Sealing::aside;
  writer.sync_every_tick = options.sync;
  return writer;
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

// A timeline tells on every program of the host: nobody else may look into it by default.
Status make_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  if (access(folder.c_str(), F_OK) == 0) return {};
  const mode_t before = umask(0027);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  umask(before);
  if (error) return tl::unexpected(system_error(error.value(), "create " + folder));
  return {};
}

Result<TimelineWriter> open_file(const RecordOptions& options) {
  NETREC_CHECKED(make_folder(options.output));
  const mode_t before = umask(0077);
  auto writer = TimelineWriter::open(options.output, writer_options(options));
  umask(before);
  return writer;
}

// REQUIRES: `events` outlives it.
DescriptorScan scan_by(EventSource& events) {
  return [&events](const DescriptorVisitor& visit) {
    return events.read_descriptors(
        [&](std::uint32_t pid, std::uint32_t descriptor, std::uint32_t inode) {
          visit({.pid = pid, .descriptor = descriptor}, inode);
        });
  };
}

std::uint64_t size_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::uint64_t room_in(const std::string& folder) {
  struct statvfs status {};
  if (statvfs(folder.c_str(), &status) != 0) return 0;
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace

std::string aside_path(const std::string& path, WallTime wall) {
  const std::filesystem::path whole(path);
  const std::time_t time = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(wall));
  std::tm parts{};
  gmtime_r(&time, &parts);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
  for (int turn = 0;; ++turn) {
    const std::string number = turn == 0 ? "" : fmt::format("-{}", turn);
    const auto name =
        fmt::format("{}-{}{}{}", whole.stem().string(), stamp, number, whole.extension().string());
    auto aside = (whole.parent_path() / name).string();
    if (access(aside.c_str(), F_OK) != 0) return aside;
  }
}

Result<std::unique_ptr<Recording>> Recording::start(const RecordOptions& options,
                                                    SocketSource& source, Clock& clock,
                                                    Voice& voice, Capture capture) {
  NETREC_TRY(writer, open_file(options));
  std::unique_ptr<Recording> recording(
      new Recording(options, source, clock, voice, std::move(capture), std::move(writer)));
  recording->carry_over();
  recording->open_session();
  recording->tell_absence();
  recording->remember_file();
  return recording;
}

Recording::Recording(const RecordOptions& options, SocketSource& source, Clock& clock, Voice& voice,
                     Capture capture, TimelineWriter writer)
    : options_(options),
      source_(source),
      clock_(clock),
      voice_(voice),
      capture_(std::move(capture)),
      writer_(std::move(writer)),
      observer_(writer_.resume(), clock),
      folder_(observer_, options.namespaces.empty() ? FoldNamespaces::all : FoldNamespaces::known),
      look_(source, observer_, clock,
            {.unix_sockets = options.unix_sockets,
             .interfaces = options.interfaces,
             .counters = options.counters}),
      schedule_(options.interval, clock.now()) {}

// A socket that is older than this session but not than this boot keeps the life it has in the
// file.
void Recording::carry_over() {
  const Resume& resume = writer_.resume();
  if (resume.last_sequence == 0 || resume.last_boot_id != read_host_identity().boot_id) return;
  const auto known = [&]() -> Status {
    NETREC_TRY(timeline, Timeline::open(options_.output));
    FrameCursor cursor = timeline.cursor();
    NETREC_CHECKED(cursor.seek_sequence(resume.last_sequence, Landing::state));
    observer_.carry_over(cursor.snapshot(), resume.last_wall);
    return {};
  }();
  if (!known)
    voice_.warn(fmt::format("what was known of sockets that are still open is lost: {}",
                            known.error().message));
}

void Recording::open_session() {
  const Instant now = clock_.now();
  if (!options_.unix_sockets) folder_.leave_out_unix_sockets();
  limits_ = limits_of(options_, effective_capabilities(), capture_, source_);
  observer_.begin_session(session_row(options_, limits_, capture_.mode(), now, observer_));
  if (capture_.events) {
    capture_.events->read_on();
    observer_.sockets().use_events(EventCapture::on);
    observer_.processes().trust_events(capture_.events->works("process"));
    if (capture_.events->works("descriptors")) observer_.owners().use(scan_by(*capture_.events));
    if (capture_.events->works("glance"))
      look_.use([&events = *capture_.events](const GlanceVisitor& visit) {
        return events.glance(visit);
      });
    pace_.look_soon();
    full_pace_.look_soon();
  }
  tell_limits(limits_, now, observer_);
  look_.start_over();
  // Opening took its time; the first tick is not late for that.
  schedule_ = Schedule(options_.interval, clock_.now());
}

// Between the last frame in the file and now nobody looked.
void Recording::tell_absence() {
  const Resume& resume = writer_.resume();
  if (resume.last_sequence == 0) return;
  const bool same_boot = resume.last_boot_id == read_host_identity().boot_id;
  observer_.gap(
      {.cause = resume.ended_properly ? GapCause::recorder_stopped : GapCause::recorder_killed,
       .from = resume.last_wall,
       .to = clock_.now().wall,
       .detail = same_boot ? "" : "the host was started again in between"});
}

void Recording::tell_lapses(const std::vector<Lapse>& lapses) {
  for (const Lapse& lapse : lapses) {
    observer_.gap({.cause = lapse.cause, .from = lapse.from, .to = lapse.to, .count = lapse.count});
    if (hides_time(lapse.cause)) closes_ = CloseReason::unseen;
    if (lapse.cause == GapCause::suspend) voice_.say("the host slept; recording goes on");
    if (lapse.cause == GapCause::clock_step) voice_.say("the clock was set; recording goes on");
  }
}

Status Recording::tick() {
  const Instant now = clock_.now();
  const std::vector<Lapse> lapses = schedule_.begin_tick(now);
  if (is_paused() && !may_resume(now)) return {};
  observer_.begin(now);
  if (is_paused())
    resume(now);
  else
    tell_lapses(lapses);
  observe();
  NETREC_CHECKED(write());
  return tend_file();
}

void Recording::observe() {
  if (capture_.events)
    observe_events();
  else
    observe_by_looking();
  look_.interfaces_and_counters();
  observer_.attribute();
  observer_.processes().check();
  hash_executables();
  if (const auto unreadable = observer_.processes().take_unreadable(); unreadable != 0)
    observer_.gap({.cause = GapCause::process_unreadable,
                   .from = last_frame_ == WallTime{} ? clock_.now().wall : last_frame_,
                   .to = clock_.now().wall,
                   .count = unreadable,
                   .detail = "processes whose identity may not be read"});
}

// What was asked for is told as it comes, some ticks later.
void Recording::hash_executables() {
  for (const ExeHash& hash : hashes_.take()) observer_.processes().hashed(hash.process, hash.text);
  for (const std::uint32_t id : observer_.processes().take_new()) {
    const Process* row = observer_.state().of<Process>().find(id);
    if (row == nullptr || row->exe_inode == 0 || row->exe_sha256 != 0) continue;
    hashes_.ask({.process = id,
                 .pid = row->pid,
                 .path = std::string(observer_.state().text(row->exe)),
                 .device = row->exe_device,
                 .inode = row->exe_inode});
  }
}

void Recording::observe_by_looking() {
  read_ends();
  look_at_sockets(LookDepth::full);
}

LookDepth Recording::look_at_sockets(LookDepth depth) {
  observer_.sockets().begin_dumps();
  look_.surroundings();
  const LookDepth looked = look_.sockets(depth);
  drain();
  folder_.spare_ending();
  observer_.sockets().end_dumps(closes_);
  closes_ = CloseReason::gone;
  return looked;
}

// --- the frame -----------------------------------------------------------------------------------

Status Recording::write() {
  const bool wants_keyframe = observer_.restating() || writer_.keyframe_due();
  if (wants_keyframe) observer_.tidy();
  // The frame's time is when the events were taken in, not when they were all folded: what happens
  // meanwhile belongs to the next.
  const std::chrono::microseconds told = drain_unless_full();
  const Instant now = moment_at(clock_.now(), told);
  Tick tick = observer_.end(now);
  const Status written = writer_.append(tick.frame, tick.departed, observer_.state(),
                                        wants_keyframe ? Keyframe::yes : Keyframe::no);
  if (!written) {
    observer_.keep(std::move(tick));
    return pause(written.error(), now);
  }
  if (paused_since_) voice_.say(fmt::format("there is room again; recording goes on"));
  paused_since_.reset();
  retry_after_ = {};
  observer_.commit(now, std::move(tick));
  last_frame_ = now.wall;
  ++frames_;
  return {};
}

// --- no room -------------------------------------------------------------------------------------

Status Recording::pause(const Error& error, const Instant& now) {
  if (error.kind != ErrorKind::full) return tl::unexpected(error);
  if (!paused_since_) {
    voice_.warn(fmt::format("recording pauses: {}", error.message));
    paused_since_ = last_frame_ == WallTime{} ? now.wall : last_frame_;
    paused_for_ = error.message;
  }
  retry_after_ = std::clamp<std::chrono::nanoseconds>(retry_after_ * 2, kFirstRetry, kLastRetry);
  retry_at_ = now.monotonic + retry_after_;
  return {};
}

bool Recording::may_resume(const Instant& now) {
  return now.monotonic >= retry_at_ && room_in(folder_of(options_.output)) >= kRoomToResume;
}

void Recording::resume(const Instant& now) {
  observer_.gap({.cause = GapCause::disk_full,
                 .from = *paused_since_,
                 .to = now.wall,
                 .detail = paused_for_});
  closes_ = CloseReason::unseen;
}

// --- the file ------------------------------------------------------------------------------------

// In the tick's spare time: seals, drops what is too old, and looks whether the file is still
// there.
Status Recording::tend_file() {
  if (is_paused()) return {};
  if (const auto pruned = writer_.maintain(observer_.state()); !pruned) {
    if (pruned.error().kind != ErrorKind::full) return tl::unexpected(pruned.error());
  } else if (pruned->frames != 0) {
    observer_.gap({.cause = GapCause::pruned,
                   .from = pruned->from,
                   .to = pruned->to,
                   .count = pruned->frames,
                   .detail = "dropped by --max-size or --max-age"});
  }
  const Instant now = clock_.now();
  if (now.monotonic < tend_at_) return {};
  tend_at_ = now.monotonic + kTendEvery;
  if (is_still_ours()) return {};
  voice_.warn(fmt::format("{} was moved or removed; recording goes on in a new file of that name",
                          options_.output));
  NETREC_CHECKED(finish());
  return start_new_file();
}

void Recording::remember_file() {
  struct stat status {};
  if (stat(options_.output.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

bool Recording::is_still_ours() const {
  struct stat status {};
  if (stat(options_.output.c_str(), &status) != 0) return false;
  return status.st_dev == device_ && status.st_ino == inode_;
}

Status Recording::rotate() {
  NETREC_CHECKED(finish());
  const std::string aside = aside_path(options_.output, last_frame_);
  if (is_still_ours()) {
    if (std::rename(options_.output.c_str(), aside.c_str()) != 0)
      return tl::unexpected(system_error(errno, "rename " + options_.output));
    voice_.say(fmt::format("sealed as {}; recording goes on in {}", aside, options_.output));
  }
  return start_new_file();
}

Status Recording::start_new_file() {
  NETREC_TRY(writer, open_file(options_));
  writer_ = std::move(writer);
  is_closed_ = false;
  observer_.continue_in(writer_.resume());
  open_session();
  tell_absence();
  remember_file();
  return {};
}

Status Recording::finish() {
  const std::chrono::microseconds told = drain();
  if (capture_.events && !is_paused() && !observer_.restating()) tell_losses();
  const Instant now = moment_at(clock_.now(), told);
  if (!observer_.restating()) {
    observer_.end_session(now);
    Tick tick = observer_.end(now);
    Status written = writer_.append(tick.frame, tick.departed, observer_.state(), Keyframe::no);
    if (!written) return written;
    observer_.commit(now, std::move(tick));
    last_frame_ = now.wall;
    ++frames_;
  }
  is_closed_ = true;
  return writer_.close(observer_.state());
}

RecordingTotals Recording::totals() const {
  return {.frames = frames_,
          .sockets = observer_.sockets_totals(),
          .alive = observer_.state().of<Socket>().size(),
          .gaps = observer_.gap_counts(),
          .file_bytes = is_closed_ ? size_of(options_.output) : writer_.file_bytes()};
}

}  // namespace netrec
