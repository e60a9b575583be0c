// netrec-record: records what this host's sockets do.
#include <fmt/format.h>

#include <cstdio>

#include "recorder/options.h"
#include "recorder/record.h"

int main(int argc, char** argv) {
  const netrec::CommandLine line = netrec::parse_command_line(argc, argv);
  if (line.exit_code) {
    fmt::print(*line.exit_code == 0 ? stdout : stderr, "{}", line.text);
    return *line.exit_code;
  }
  return line.options.rotate ? netrec::request_rotation(line.options)
                             : netrec::record(line.options);
}
