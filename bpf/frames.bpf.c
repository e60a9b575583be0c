// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packet sockets: frames that programs put onto an interface and take off it below IP, where no
 * hook of a cgroup looks. Both tracepoints run in the context of the program that sends or
 * receives, so that is the owner, also where it is gone before any dump could show the socket.
 *
 * A frame with IP in it is counted for the address it goes to. Received are counted what the
 * program took in, without a peer: a sniffer's peers are everybody. Not told by the kernel, and so
 * not seen: frames a program takes out of a ring mapped into its memory.
 */
#include "bpf/peers.h"

#include <bpf/bpf_endian.h>

/* Whose socket it is: told when it is first met since the last reading. */
static __always_inline void tell_user(struct sock *sk, __u64 cookie)
{
  struct event_datagram_socket *event = event_begin(EVENT_PACKET_SOCKET_USED, sizeof(*event));
  struct packet_sock *packets = (void *)sk;

  if (!event)
    return;
  event->header.network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  event->cookie = cookie;
  event->family = AF_PACKET;
  event->type = BPF_CORE_READ(sk, sk_type);
  event->protocol = bpf_ntohs(BPF_CORE_READ(packets, num));
  event->reserved = 0;
  tell_task(&event->task, bpf_get_current_task_btf());
  event_end(event);
}

static __always_inline void count_frame(struct sock *sk, struct peer_key *key,
                                        struct peer_counts *fresh, __u64 bytes, bool outgoing)
{
  __u32 turn = peers_turn;
  struct peer_counts *counts;

  key->socket_type = SOCK_PACKET;
  counts = peers_of(turn, key);
  if (!counts) {
    fresh->first_ns = bpf_ktime_get_boot_ns();
    peers_add(turn, key, fresh);
    tell_user(sk, key->cookie);
    counts = peers_of(turn, key);
  }
  if (counts)
    count_packets(counts, 1, bytes, outgoing);
  else
    lose_packet();
}

static __always_inline bool has_ports(__u8 protocol)
{
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
         protocol == IPPROTO_SCTP;
}

/* Where a frame with IP in it comes from and goes to; the program may have written anything. */
static __always_inline void read_ip(const unsigned char *ip, __u16 ethertype, struct peer_key *key,
                                    struct peer_counts *fresh)
{
  __u8 header[40] = {};
  __be16 ports[2] = {};
  __u32 length;

  if (ethertype == ETH_P_IP) {
    if (bpf_probe_read_kernel(header, 20, ip) || header[0] >> 4 != 4)
      return;
    key->family = AF_INET;
    __builtin_memcpy(fresh->local, header + 12, 4);
    __builtin_memcpy(key->remote, header + 16, 4);
    length = (header[0] & 15) * 4;
    if (!has_ports(header[9]) || (header[6] & 0x1f) || header[7])
      return; /* nor has a later fragment */
  } else if (ethertype == ETH_P_IPV6) {
    if (bpf_probe_read_kernel(header, 40, ip) || header[0] >> 4 != 6)
      return;
    key->family = AF_INET6;
    __builtin_memcpy(fresh->local, header + 8, 16);
    __builtin_memcpy(key->remote, header + 24, 16);
    length = 40;
    if (!has_ports(header[6]))
      return;
  } else {
    return;
  }
  if (bpf_probe_read_kernel(ports, 4, ip + length))
    return;
  fresh->local_port = bpf_ntohs(ports[0]);
  key->remote_port = bpf_ntohs(ports[1]);
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(on_frame_queued, struct sk_buff *skb)
{
  struct sock *sk = skb->sk;
  struct peer_counts fresh = {};
  struct peer_key key = {};

  if (!sk || sk->__sk_common.skc_family != AF_PACKET)
    return 0;
  /* The same socket: the verifier trusts what skb->sk is too little to give out its cookie. */
  sk = sk->sk_socket->sk;
  if (!sk)
    return 0;
  key.cookie = bpf_get_socket_cookie(sk);
  key.family = AF_PACKET;
  key.protocol = bpf_ntohs(skb->protocol);
  fresh.interface = skb->dev->ifindex;
  read_ip(skb->head + skb->network_header, key.protocol, &key, &fresh);
  count_frame(sk, &key, &fresh, skb->len, true);
  return 0;
}

static __always_inline void count_call(struct sock *sk, __u64 bytes, bool outgoing)
{
  struct packet_sock *packets = (void *)sk;
  struct peer_counts fresh = {};
  struct peer_key key = {};

  key.cookie = bpf_get_socket_cookie(sk);
  key.family = AF_PACKET;
  key.protocol = bpf_ntohs(BPF_CORE_READ(packets, num));
  fresh.interface = BPF_CORE_READ(packets, ifindex);
  count_frame(sk, &key, &fresh, bytes, outgoing);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_frame_received, struct sock *sk, int result, int flags)
{
  if (sk->__sk_common.skc_family == AF_PACKET && result > 0 && !(flags & MSG_PEEK))
    count_call(sk, result, false);
  return 0;
}

/* Frames that pass by the queueing discipline (PACKET_QDISC_BYPASS) pass by on_frame_queued, too.
 */
SEC("tp_btf/sock_send_length")
int BPF_PROG(on_frame_sent, struct sock *sk, int result, int flags)
{
  struct packet_sock *packets = (void *)sk;

  if (sk->__sk_common.skc_family != AF_PACKET || result <= 0)
    return 0;
  if (!bpf_core_enum_value_exists(enum packet_sock_flags, PACKET_SOCK_QDISC_BYPASS))
    return 0;
  if (BPF_CORE_READ(packets, flags) &
      (1ul << bpf_core_enum_value(enum packet_sock_flags, PACKET_SOCK_QDISC_BYPASS)))
    count_call(sk, result, true);
  return 0;
}
