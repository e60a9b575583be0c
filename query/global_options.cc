#include "query/global_options.h"

#include <CLI/CLI.hpp>

namespace netrec {

void declare_global_options(CLI::App& app, GlobalOptions& options) {
  const std::string where = "Which recording, when";
  app.add_option(
         "-f,--file", options.files,
         "The timeline, or a directory of them; may be repeated (default: $NETREC_FILE, the "
         "system's, or yours)")
      ->allow_extra_args(false)
      ->type_name("FILE")
      ->group(where);
  const auto time = [&](const char* name, std::string& target, const char* about) {
    app.add_option(name, target, about)->type_name("TIME")->group(where);
  };
  time("--at", options.at, "At this time (see netrec help times)");
  time("--since", options.since, "From this time on");
  time("--until", options.until, "Up to this time");
  app.add_option("--zone", options.zone,
                 "Zone of times read and shown: utc, host (the recorded one's), Europe/Berlin, …")
      ->type_name("ZONE")
      ->group(where);

  const std::string how = "How it is shown";
  const auto format = [&](const char* name, Format value, const char* about) {
    return app
        .add_flag_callback(
            name, [&options, value] { options.format = value; }, about)
        ->group(how);
  };
  auto* json = format("--json", Format::json, "One JSON document");
  auto* ndjson = format("--ndjson", Format::ndjson, "A line of JSON a record");
  auto* csv = format("--csv", Format::csv, "CSV (RFC 4180)");
  json->excludes(ndjson)->excludes(csv);
  ndjson->excludes(csv);
  app.add_flag_callback(
         "-n,--numeric", [&options] { options.names = EndpointNames::Mode::numbers; },
         "Numbers for addresses and ports (the default)")
      ->group(how);
  app.add_flag_callback(
         "-r,--names", [&options] { options.names = EndpointNames::Mode::names; },
         "Names, as recorded or looked up now in DNS and /etc/services")
      ->group(how);
  const auto choose = [&options](const std::string& word) {
    if (word == "auto") options.color = ColorChoice::automatic;
    if (word == "always") options.color = ColorChoice::always;
    if (word == "never") options.color = ColorChoice::never;
  };
  app.add_option_function<std::string>("--color", choose, "auto, always or never")
      ->check([](const std::string& word) -> std::string {
        const bool known = word == "auto" || word == "always" || word == "never";
        return known ? "" : "it is auto, always or never";
      })
      ->type_name("WHEN")
      ->group(how);
}

}  // namespace netrec
