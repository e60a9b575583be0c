#include "recorder/tcp_info.h"

#include <linux/tcp.h>

namespace netrec {

namespace {

// Debian 12's header ends before the fields of Linux 6.2 (tcpi_rcv_wnd) and later.
struct KernelTcpInfo {
  tcp_info base;
  std::uint32_t rcv_wnd;
};
static_assert(offsetof(KernelTcpInfo, rcv_wnd) == 232, "include/uapi/linux/tcp.h, Linux 6.2");
static_assert(offsetof(tcp_info, tcpi_snd_wnd) == 228);

// The first 8 bytes are bit fields: state, ca_state, retransmits, probes, backoff, options, then
// snd_wscale in the low half of a byte and rcv_wscale in the high (little and big endian alike).
constexpr std::size_t kWindowScaleOffset = 6;

// "Never" where nothing of the kind ever happened: the kernel then tells the age of the connection.
std::uint64_t instant_ms(std::uint64_t now_us, std::uint32_t age_ms, std::uint32_t count) {
  const std::uint64_t now_ms = now_us / 1000;
  return count == 0 || age_ms > now_ms ? 0 : now_ms - age_ms;
}

void decode_path(const tcp_info& info, Socket& row) {
  row.rto_us = info.tcpi_rto;
  row.ato_us = info.tcpi_ato;
  row.send_mss = info.tcpi_snd_mss;
  row.receive_mss = info.tcpi_rcv_mss;
  row.advertised_mss = info.tcpi_advmss;
  row.path_mtu = info.tcpi_pmtu;
  row.rtt_us = info.tcpi_rtt;
  row.rtt_variance_us = info.tcpi_rttvar;
  row.min_rtt_us = info.tcpi_min_rtt == ~0U ? 0 : info.tcpi_min_rtt;  // ~0: no sample yet
  row.receive_rtt_us = info.tcpi_rcv_rtt;
  row.pacing_rate = info.tcpi_pacing_rate;
  row.max_pacing_rate = info.tcpi_max_pacing_rate;
  row.delivery_rate = info.tcpi_delivery_rate;
}

void decode_windows(const KernelTcpInfo& info, Socket& row) {
  row.receive_space = info.base.tcpi_rcv_space;
  row.receive_ssthresh = info.base.tcpi_rcv_ssthresh;
  row.congestion_window = info.base.tcpi_snd_cwnd;
  row.send_ssthresh = info.base.tcpi_snd_ssthresh;
  row.send_window = info.base.tcpi_snd_wnd;
  row.receive_window = info.rcv_wnd;
  row.unacked = info.base.tcpi_unacked;
  row.sacked = info.base.tcpi_sacked;
  row.lost = info.base.tcpi_lost;
  row.retransmitting = info.base.tcpi_retrans;
  row.reordering = info.base.tcpi_reordering;
  row.not_sent = info.base.tcpi_notsent_bytes;
}

void decode_totals(const tcp_info& info, Socket& row) {
  row.total_retransmits = info.tcpi_total_retrans;
  row.reorder_seen = info.tcpi_reord_seen;
  row.bytes_sent = info.tcpi_bytes_sent;
  row.bytes_acked = info.tcpi_bytes_acked;
  row.bytes_received = info.tcpi_bytes_received;
  row.bytes_retransmitted = info.tcpi_bytes_retrans;
  row.segments_out = info.tcpi_segs_out;
  row.segments_in = info.tcpi_segs_in;
  row.data_segments_out = info.tcpi_data_segs_out;
  row.data_segments_in = info.tcpi_data_segs_in;
  row.delivered = info.tcpi_delivered;
  row.delivered_ce = info.tcpi_delivered_ce;
  row.dsack_duplicates = info.tcpi_dsack_dups;
  row.received_out_of_order = info.tcpi_rcv_ooopack;
  row.busy_time_us = info.tcpi_busy_time;
  row.receive_window_limited_us = info.tcpi_rwnd_limited;
  row.send_buffer_limited_us = info.tcpi_sndbuf_limited;
}

}  // namespace

void decode_tcp_info(Bytes bytes, std::uint64_t now_us, Socket& row) {
  const auto info = read_as<KernelTcpInfo>(bytes);
  row.congestion_state = info.base.tcpi_ca_state;
  row.probes = info.base.tcpi_probes;
  row.backoff = info.base.tcpi_backoff;
  row.tcp_options = info.base.tcpi_options;
  if (bytes.size() > kWindowScaleOffset)
    row.window_scale = static_cast<std::uint8_t>(bytes[kWindowScaleOffset]);
  decode_path(info.base, row);
  decode_windows(info, row);
  decode_totals(info.base, row);
  if (row.state == TcpState::listen) return;  // A listener's times are those of the kernel's boot.
  row.last_data_sent_ms =
      instant_ms(now_us, info.base.tcpi_last_data_sent, info.base.tcpi_data_segs_out);
  row.last_data_received_ms =
      instant_ms(now_us, info.base.tcpi_last_data_recv, info.base.tcpi_data_segs_in);
  row.last_ack_received_ms =
      instant_ms(now_us, info.base.tcpi_last_ack_recv, info.base.tcpi_segs_in);
}

}  // namespace netrec
