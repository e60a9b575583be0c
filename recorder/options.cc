#include "recorder/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>

#include "recorder/quantity.h"
#include "schema/default_path.h"

namespace netrec {

namespace {

constexpr const char* kAbout =
    "Records what this host's sockets do: every socket of every network namespace, its state,\n"
    "owner, queues and counters, the interfaces and the protocol counters, once an interval, into\n"
    "one file that netrec answers questions about. What could not be seen is in the file too.";

constexpr const char* kExamples = R"(Examples:
  netrec record                       until Ctrl-C, into the default file
  netrec record --for 60s -o out.netrec
                                      one minute into a file of its own
  netrec record --interval 100ms --for 5m
                                      look ten times a second
  netrec record --max-size 2G --max-age 30d
                                      for weeks: the oldest part is dropped
  netrec record --namespace own --no-unix
                                      only this network namespace, no UNIX sockets
  netrec record --rotate              the recorder that runs begins a new file

Afterwards:
  netrec show          what is open at the end        netrec replay   watch it again
  netrec connections   each connection's life         netrec info     what was recorded, gaps

Without root it records what the kernel tells everybody, and says what is missing.
SIGINT and SIGTERM end the recording properly, SIGHUP begins a new file.
The default file is $NETREC_FILE, else /var/lib/netrec/timeline.netrec as root, else
${XDG_STATE_HOME:-~/.local/state}/netrec/timeline.netrec.)";

// What is given as text and read when the rest is known to be well-formed.
struct Quantities {
  std::string interval;
  std::string run_for;
  std::string max_size;
  std::string max_age;
};

// Errors name the option.
template <class T>
Status read_quantity(const char* option, const std::string& text,
                     Result<T> (*parse)(std::string_view), T& value) {
  if (text.empty()) return {};
  Result<T> parsed = parse(text);
  if (!parsed) return tl::unexpected(std::move(parsed.error()).while_doing(option));
  if (*parsed == T{})
    return failure(ErrorKind::invalid_argument, "{}: must be more than nothing", option);
  value = *parsed;
  return {};
}

Status read_quantities(const Quantities& given, RecordOptions& options) {
  NETREC_CHECKED(read_quantity("--interval", given.interval, parse_period, options.interval));
  NETREC_CHECKED(read_quantity("--for", given.run_for, parse_period, options.run_for));
  NETREC_CHECKED(read_quantity("--max-size", given.max_size, parse_size, options.max_size_bytes));
  NETREC_CHECKED(read_quantity("--max-age", given.max_age, parse_period, options.max_age));
  if (options.interval < kShortestInterval || options.interval > kLongestInterval)
    return failure(ErrorKind::invalid_argument, "--interval: from {} to {}",
                   duration_text(kShortestInterval), duration_text(kLongestInterval));
  constexpr std::uint64_t kSmallestFile = 1 << 20;
  if (options.max_size_bytes != 0 && options.max_size_bytes < kSmallestFile)
    return failure(ErrorKind::invalid_argument, "--max-size: at least 1M");
  if (options.max_age.count() != 0 && options.max_age < std::chrono::minutes(1))
    return failure(ErrorKind::invalid_argument, "--max-age: at least 1m");
  return {};
}

// "all" among the namespaces lifts the restriction.
Status read_namespaces(RecordOptions& options) {
  auto& names = options.namespaces;
  if (std::find(names.begin(), names.end(), "all") != names.end()) names.clear();
  for (const std::string& name : names)
    if (name.empty()) return failure(ErrorKind::invalid_argument, "--namespace: a name is missing");
  return {};
}

Status read_output(RecordOptions& options) {
  if (options.output.empty()) options.output = default_output_path();
  if (options.output.empty())
    return failure(ErrorKind::invalid_argument,
                   "--output: there is no home directory to record into; name a file");
  return {};
}

void describe(CLI::App& app, RecordOptions& options, Quantities& given) {
  app.set_version_flag("-V,--version", "netrec-record " NETREC_VERSION);
  app.add_option("-o,--output", options.output, "The timeline; one that exists is continued")
      ->type_name("FILE");
  app.add_option("--for", given.run_for, "Stop after this time: 60s, 2h, 1h30m")
      ->type_name("DURATION");
  app.add_option("--interval", given.interval, "Time between two looks, 10ms to 1h (default: 1s)")
      ->type_name("DURATION");
  app.add_option("--max-size", given.max_size, "Drop the oldest part where the file outgrows this")
      ->type_name("SIZE");
  app.add_option("--max-age", given.max_age, "Drop what is older than this")->type_name("DURATION");
  app.add_option("--namespace", options.namespaces,
                 "Only this network namespace (may be repeated): a name of ip netns, the inode "
                 "lsns shows, own, or all (default)")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  // A flag of CLI11 that sets false shows itself as "--no-unix{false}".
  const auto leave_out = [&](const char* name, bool& what, const char* about) {
    app.add_flag_callback(
        name, [&what] { what = false; }, about);
  };
  leave_out("--no-unix", options.unix_sockets, "Leave UNIX sockets out");
  leave_out("--no-interfaces", options.interfaces, "Leave network interfaces out");
  leave_out("--no-counters", options.counters, "Leave protocol counters out");
  const std::map<std::string, CaptureChoice> choices = {{"auto", CaptureChoice::automatic},
                                                        {"events", CaptureChoice::events},
                                                        {"poll", CaptureChoice::poll}};
  app.add_option_function<std::string>(
         "--capture",
         [&options, choices](const std::string& how) { options.capture = choices.at(how); },
         "auto (default): events where they can be had, else poll; events: or fail; poll")
      ->check(CLI::IsMember({"auto", "events", "poll"}).description(""))
      ->type_name("HOW");
  app.add_flag("--sync", options.sync, "Each frame survives a power cut (slower)");
  app.add_flag("-q,--quiet", options.quiet, "Say only what goes wrong");
  app.add_flag("--rotate", options.rotate,
               "Do not record: the recorder that runs is asked to begin a new file");
  app.footer(kExamples);
}

std::string joined(int argc, const char* const* argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += fmt::format("{}{}", i == 0 ? "" : " ", argv[i]);
  return line;
}

CommandLine refused(const Error& error) {
  return {.options = {}, .exit_code = 2, .text = fmt::format("netrec-record: {}\n", error.message)};
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Quantities given;
  CLI::App app(kAbout, "netrec record");
  describe(app, line.options, given);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    std::ostringstream out;
    std::ostringstream errors;
    const bool is_question = app.exit(stop, out, errors) == 0;
    line.exit_code = is_question ? 0 : 2;
    line.text = is_question ? out.str() : "netrec-record: " + errors.str();
    return line;
  }
  for (const auto& read : {read_quantities(given, line.options), read_namespaces(line.options),
                           read_output(line.options)})
    if (!read) return refused(read.error());
  line.options.command_line = joined(argc, argv);
  return line;
}

}  // namespace netrec
