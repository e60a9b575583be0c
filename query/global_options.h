// The options every subcommand understands, before or after its name.
#pragma once

#include <string>
#include <vector>

#include "query/names.h"
#include "query/output.h"

namespace CLI {
class App;
}

namespace netrec {

enum class ColorChoice { automatic, always, never };

struct GlobalOptions {
  std::vector<std::string> files;  ///< -f, each a file or a directory; none: the default timeline
  std::string at;                  ///< --at, --since, --until: as written, "" if not
  std::string since;
  std::string until;
  Format format = Format::table;
  ColorChoice color = ColorChoice::automatic;
  EndpointNames::Mode names = EndpointNames::Mode::numbers;
  std::string zone;  ///< --zone: "" the reader's, "utc", "host" the recorded one's, or a name
};

void declare_global_options(CLI::App& app, GlobalOptions& options);

}  // namespace netrec
