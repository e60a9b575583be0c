#include "store/sql_functions.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netdb.h>

#include <array>
#include <optional>
#include <string>

#include "schema/interface.h"
#include "schema/ip_address.h"
#include "schema/socket.h"
#include "store/sqlite_api.h"

namespace netrec {

namespace {

using Arguments = sqlite3_value**;

bool is_null(sqlite3_value* value) { return sqlite3_value_type(value) == SQLITE_NULL; }

std::string_view text_of(sqlite3_value* value) {
  const auto* start = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (start == nullptr) return {};
  return {start, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void give(sqlite3_context* out, std::string_view text) {
  sqlite3_result_text64(out, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void give_text_or_null(sqlite3_context* out, std::string_view text) {
  if (text.empty())
    sqlite3_result_null(out);
  else
    give(out, text);
}

void refuse(sqlite3_context* out, const Error& error) {
  sqlite3_result_error(out, error.message.c_str(), -1);
}

// ip_in(address, prefix): the prefix is usually the same for a million rows and is read once.
void ip_in(sqlite3_context* out, int, Arguments arguments) {
  if (is_null(arguments[0]) || is_null(arguments[1])) return sqlite3_result_null(out);
  auto* prefix = static_cast<Prefix*>(sqlite3_get_auxdata(out, 1));
  std::optional<Prefix> read;
  if (prefix == nullptr) {
    auto parsed = parse_prefix(text_of(arguments[1]));
    if (!parsed) return refuse(out, parsed.error());
    read = *parsed;
    sqlite3_set_auxdata(out, 1, new Prefix(*read),
                        [](void* owned) { delete static_cast<Prefix*>(owned); });
    prefix = &*read;
  }
  const auto address = parse_prefix(text_of(arguments[0]));
  const bool inside = address && prefix->contains(address->address, address->family) &&
                      address->bits >= prefix->bits;
  sqlite3_result_int(out, inside ? 1 : 0);
}

// port_name(port [, transport]) as the reader's /etc/services has it.
void port_name(sqlite3_context* out, int count, Arguments arguments) {
  const sqlite3_int64 port = sqlite3_value_int64(arguments[0]);
  if (is_null(arguments[0]) || port < 1 || port > 65535) return sqlite3_result_null(out);
  const std::string transport(count > 1 ? text_of(arguments[1]) : "tcp");
  servent entry{};
  servent* found = nullptr;
  std::array<char, 4096> room{};
  getservbyport_r(htons(static_cast<std::uint16_t>(port)), transport.c_str(), &entry, room.data(),
                  room.size(), &found);
  give_text_or_null(out, found == nullptr ? std::string_view{} : found->s_name);
}

void state_name(sqlite3_context* out, int, Arguments arguments) {
  const sqlite3_int64 state = sqlite3_value_int64(arguments[0]);
  const bool known = !is_null(arguments[0]) && state > 0 && state < 256;
  give_text_or_null(out, known ? name(static_cast<TcpState>(state)) : std::string_view{});
}

void transport_name(sqlite3_context* out, int, Arguments arguments) {
  const sqlite3_int64 transport = sqlite3_value_int64(arguments[0]);
  const bool known = !is_null(arguments[0]) && transport > 0 && transport < 256;
  give_text_or_null(out, known ? name(static_cast<Transport>(transport)) : std::string_view{});
}

void flags_text(sqlite3_context* out, int, Arguments arguments) {
  if (is_null(arguments[0])) return sqlite3_result_null(out);
  give(out, interface_flags_text(static_cast<std::uint32_t>(sqlite3_value_int64(arguments[0]))));
}

// ip(family, high, low): for the plain tables, which hold addresses as numbers.
void ip(sqlite3_context* out, int, Arguments arguments) {
  const auto part = [&](int i) {
    return static_cast<std::uint64_t>(sqlite3_value_int64(arguments[i]));
  };
  const auto family = static_cast<Family>(part(0) & 0xff);
  give_text_or_null(out, to_string({.high = part(1), .low = part(2)}, family));
}

void when(sqlite3_context* out, int, Arguments arguments) {
  if (is_null(arguments[0])) return sqlite3_result_null(out);
  const auto& context = *static_cast<std::shared_ptr<TableContext>*>(sqlite3_user_data(out));
  const auto time = context->time(std::string(text_of(arguments[0])));
  if (!time) return refuse(out, time.error());
  sqlite3_result_int64(out, time->time_since_epoch().count());
}

// time_text(us): RFC 3339 in UTC, which sorts as text and every tool reads.
void time_text(sqlite3_context* out, int, Arguments arguments) {
  constexpr std::int64_t kLast = 253402300799;  // The end of the year 9999.
  const sqlite3_int64 us = sqlite3_value_int64(arguments[0]);
  if (is_null(arguments[0]) || us < 0 || us / 1000000 > kLast) return sqlite3_result_null(out);
  give(out, fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                        fmt::gmtime(static_cast<std::time_t>(us / 1000000)), us % 1000000));
}

void duration(sqlite3_context* out, int, Arguments arguments) {
  if (is_null(arguments[0])) return sqlite3_result_null(out);
  const sqlite3_int64 us = sqlite3_value_int64(arguments[0]);
  const std::int64_t s = us / 1000000;
  if (us < 0)
    give(out, fmt::format("{} s", us / 1000000));
  else if (us < 1000000)
    give(out, fmt::format("{:.2f} ms", static_cast<double>(us) / 1e3));
  else if (s < 60)
    give(out, fmt::format("{:.1f} s", static_cast<double>(us) / 1e6));
  else if (s < 3600)
    give(out, fmt::format("{} min {} s", s / 60, s % 60));
  else if (s < 86400)
    give(out, fmt::format("{} h {} min", s / 3600, s / 60 % 60));
  else
    give(out, fmt::format("{} d {} h", s / 86400, s / 3600 % 24));
}

struct Declared {
  const char* name;
  int arguments;
  SqlFunctionBody body;
  bool constant;  ///< the same for the same arguments
};

constexpr Declared kDeclared[] = {
    {"ip_in", 2, ip_in, true},
    {"ip", 3, ip, true},
    {"port_name", 1, port_name, true},
    {"port_name", 2, port_name, true},
    {"state_name", 1, state_name, true},
    {"transport_name", 1, transport_name, true},
    {"interface_flags", 1, flags_text, true},
    {"when_us", 1, when, false},
    {"time_text", 1, time_text, true},
    {"duration", 1, duration, true},
};

constexpr SqlFunction kFunctions[] = {
    {"ip_in(address, prefix)",
     "1 if the address lies in the prefix: ip_in(remote_address, "
     "'203.0.113.0/24')"},
    {"ip(family, high, low)", "an address of the plain tables as text"},
    {"port_name(port [, transport])", "the port's name in /etc/services of whoever reads"},
    {"state_name(number)", "'TIME_WAIT' for 6: states as the kernel numbers them"},
    {"transport_name(number)", "'tcp' for 1: transports as the file numbers them"},
    {"interface_flags(number)", "'UP BROADCAST RUNNING' for the bits of interface flags"},
    {"when_us(time)", "microseconds since 1970 of '-2h', 'yesterday 14:00', '#frame', RFC 3339, …"},
    {"time_text(microseconds)", "RFC 3339 in UTC"},
    {"duration(microseconds)", "'4 min 10 s'"},
};

}  // namespace

std::span<const SqlFunction> sql_functions() { return kFunctions; }

SqlFunctionBody ip_in_function() { return ip_in; }

Status add_sql_functions(sqlite3* db, const std::shared_ptr<TableContext>& context) {
  for (const Declared& function : kDeclared) {
    const int flags =
        SQLITE_UTF8 | SQLITE_INNOCUOUS | (function.constant ? SQLITE_DETERMINISTIC : 0);
    auto owned = std::make_unique<std::shared_ptr<TableContext>>(context);
    const int status = sqlite3_create_function_v2(
        db, function.name, function.arguments, flags, owned.release(), function.body, nullptr,
        nullptr, [](void* data) { delete static_cast<std::shared_ptr<TableContext>*>(data); });
    if (status != SQLITE_OK)
      return failure(ErrorKind::io, "function {}: {}", function.name, sqlite3_errmsg(db));
  }
  return {};
}

}  // namespace netrec
