#include "recorder/dns_answer.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace netrec {

namespace {

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
struct FreeText {
  void operator()(char* text) const { LDNS_FREE(text); }
};

std::string name_text(const ldns_rdf* name) {
  const std::unique_ptr<char, FreeText> text(ldns_rdf2str(name));
  std::string result = text ? text.get() : "";
  if (result.size() > 1 && result.ends_with('.')) result.pop_back();
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::uint64_t big_endian(const std::uint8_t* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

void take_address(const ldns_rr* record, DnsAnswer& answer) {
  const ldns_rdf* data = ldns_rr_rdf(record, 0);
  if (data == nullptr || answer.addresses.size() >= kMostAddresses) return;
  const std::uint8_t* bytes = ldns_rdf_data(data);
  ResolvedAddress resolved{.address = {}, .ttl_s = ldns_rr_ttl(record)};
  if (ldns_rr_get_type(record) == LDNS_RR_TYPE_A && ldns_rdf_size(data) == 4) {
    resolved.family = Family::inet;
    resolved.address.low = big_endian(bytes, 4);
  } else if (ldns_rr_get_type(record) == LDNS_RR_TYPE_AAAA && ldns_rdf_size(data) == 16) {
    resolved.family = Family::inet6;
    resolved.address = {.high = big_endian(bytes, 8), .low = big_endian(bytes + 8, 8)};
  } else {
    return;
  }
  answer.addresses.push_back(resolved);
}

}  // namespace

Result<DnsAnswer> parse_dns_answer(std::span<const std::byte> message) {
  ldns_pkt* parsed = nullptr;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(message.data());
  const ldns_status status = ldns_wire2pkt(&parsed, bytes, message.size());
  const std::unique_ptr<ldns_pkt, FreePacket> packet(parsed);
  if (status != LDNS_STATUS_OK || packet == nullptr)
    return failure(ErrorKind::corrupt, "a DNS message: {}", ldns_get_errorstr_by_id(status));
  const ldns_rr_list* questions = ldns_pkt_question(packet.get());
  if (!ldns_pkt_qr(packet.get()) || ldns_rr_list_rr_count(questions) != 1)
    return failure(ErrorKind::unsupported, "a DNS message that is no answer to one question");
  const ldns_rr* question = ldns_rr_list_rr(questions, 0);
  if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN)
    return failure(ErrorKind::unsupported, "a DNS answer that is not of the Internet");
  DnsAnswer answer;
  answer.name = name_text(ldns_rr_owner(question));
  answer.query_type = static_cast<std::uint16_t>(ldns_rr_get_type(question));
  answer.response_code = static_cast<std::uint8_t>(ldns_pkt_get_rcode(packet.get()));
  const ldns_rr_list* records = ldns_pkt_answer(packet.get());
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i)
    take_address(ldns_rr_list_rr(records, i), answer);
  return answer;
}

}  // namespace netrec
