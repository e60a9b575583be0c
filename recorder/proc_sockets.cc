#include "recorder/proc_sockets.h"

#include <endian.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

namespace netrec {

namespace {

// The columns of a line: "1: 0100007F:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000
// 0 0 12345 2 00000000abcdef 0" (net/ipv4/raw.c, raw_sock_seq_show).
enum Column {
  kSlot,
  kLocal,
  kRemote,
  kState,
  kQueues,
  kTimer,
  kRetransmits,
  kUid,
  kTimeout,
  kInode,
  kReferences,
  kPointer,
  kDrops,
  kColumns
};

using Columns = std::array<std::string_view, kColumns>;

bool split(std::string_view line, Columns& columns) {
  for (std::string_view& column : columns) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return false;
    column = line.substr(0, line.find(' '));
    line.remove_prefix(column.size());
  }
  return true;
}

template <class Number>
bool number(std::string_view text, int base, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

// Addresses are printed as words of the host's byte order.
bool address(std::string_view hex, Family family, IpAddress& address) {
  std::uint32_t words[4] = {};
  const std::size_t count = family == Family::inet ? 1 : 4;
  if (hex.size() != count * 8) return false;
  for (std::size_t i = 0; i < count; ++i)
    if (!number(hex.substr(i * 8, 8), 16, words[i])) return false;
  for (std::uint32_t& word : words) word = be32toh(word);
  if (family == Family::inet)
    address = {.high = 0, .low = words[0]};
  else
    address = {.high = std::uint64_t{words[0]} << 32 | words[1],
               .low = std::uint64_t{words[2]} << 32 | words[3]};
  return true;
}

bool endpoint(std::string_view text, Family family, IpAddress& host, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  return colon != std::string_view::npos && address(text.substr(0, colon), family, host) &&
         number(text.substr(colon + 1), 16, port);
}

bool queues(std::string_view text, Socket& row) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && number(text.substr(0, colon), 16, row.send_queue) &&
         number(text.substr(colon + 1), 16, row.receive_queue);
}

}  // namespace

bool decode_proc_socket(std::string_view line, const DecodeContext& context, Socket& row) {
  Columns columns;
  if (!split(line, columns)) return false;
  row = Socket{};
  row.family = context.kind.family;
  row.transport = context.kind.transport;
  row.type = row.transport == Transport::raw ? SOCK_RAW : SOCK_DGRAM;
  row.network_namespace = context.network_namespace;
  std::uint8_t state = 0;
  if (!endpoint(columns[kLocal], row.family, row.local, row.local_port) ||
      !endpoint(columns[kRemote], row.family, row.remote, row.remote_port) ||
      !number(columns[kState], 16, state) || !queues(columns[kQueues], row) ||
      !number(columns[kUid], 10, row.uid) || !number(columns[kInode], 10, row.inode) ||
      !number(columns[kDrops], 10, row.drops))
    return false;
  row.state = static_cast<TcpState>(state);
  row.cookie = cookie_from_inode(row.inode);
  if (row.transport == Transport::raw) {  // Where others have the port.
    row.protocol = row.local_port;
    row.local_port = 0;
    row.remote_port = 0;
  }
  return true;
}

DumpReport decode_proc_table(std::string_view table, const DecodeContext& context,
                             SocketSink& sink) {
  DumpReport report;
  bool heading = true;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    Socket row;
    if (heading || line.empty()) {
      heading = false;
    } else if (decode_proc_socket(line, context, row)) {
      sink.see(row);
      ++report.count;
    } else {
      ++report.broken;
    }
  }
  return report;
}

}  // namespace netrec
