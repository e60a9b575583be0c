// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sockets that are no TCP: when they were made and let go, by whom, and whom they talked to,
 * counted here per (socket, peer) and read once a tick. And the DNS answers that come in.
 *
 * All of it hangs on the root cgroup: sockets are made and released in their program's context,
 * and every packet passes the two skb hooks with its socket, whatever call sent it (sendmmsg,
 * splice, io_uring), before fragmentation and after reassembly.
 */
#include "bpf/peers.h"
#include "bpf/ends.h"

struct dns_room {
  struct event_dns event;
  char message[EVENT_DNS_MAX];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct dns_room);
} dns_rooms SEC(".maps");

/* --- made and let go -----------------------------------------------------------------------------
 */

static __always_inline bool is_counted(const struct bpf_sock *sk)
{
  return sk->protocol != IPPROTO_TCP && sk->protocol != IPPROTO_MPTCP &&
         (sk->family == AF_INET || sk->family == AF_INET6);
}

static __always_inline int life_event(struct bpf_sock *sk, __u32 kind)
{
  struct event_datagram_socket *event;
  struct task_struct *task;

  if (!is_counted(sk))
    return 1;
  task = bpf_get_current_task_btf();
  event = event_begin(kind, sizeof(*event));
  if (!event)
    return 1;
  event->header.network_namespace = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
  event->cookie = bpf_get_socket_cookie(sk);
  event->family = sk->family;
  event->type = sk->type;
  event->protocol = sk->protocol;
  event->reserved = 0;
  tell_task(&event->task, task);
  event_end(event);
  return 1;
}

SEC("cgroup/sock_create")
int on_socket_create(struct bpf_sock *sk)
{
  return life_event(sk, EVENT_DATAGRAM_OPENED);
}

SEC("cgroup/sock_release")
int on_socket_release(struct bpf_sock *sk)
{
  return life_event(sk, EVENT_DATAGRAM_CLOSED);
}

/* --- packets -------------------------------------------------------------------------------------
 */

struct packet {
  __u8 source[16];
  __u8 destination[16];
  __u16 family;
  __u16 source_port;
  __u16 destination_port;
  __u8 protocol;
  __u32 payload_at; /* from the IP header on */
  __u32 payload;    /* bytes */
};

/* Addresses and transport header of an IP packet; false for what is not one, or a fragment. */
static __always_inline bool read_packet(struct __sk_buff *skb, struct packet *packet)
{
  __u8 first = 0;
  __be16 ports[2] = {};
  __u32 at;

  __builtin_memset(packet, 0, sizeof(*packet));
  if (bpf_skb_load_bytes(skb, 0, &first, 1))
    return false;
  if (first >> 4 == 4) {
    packet->family = AF_INET;
    at = (first & 15) * 4;
    if (bpf_skb_load_bytes(skb, 9, &packet->protocol, 1) ||
        bpf_skb_load_bytes(skb, 12, packet->source, 4) ||
        bpf_skb_load_bytes(skb, 16, packet->destination, 4))
      return false;
  } else if (first >> 4 == 6) {
    packet->family = AF_INET6;
    at = 40;
    if (bpf_skb_load_bytes(skb, 6, &packet->protocol, 1) ||
        bpf_skb_load_bytes(skb, 8, packet->source, 16) ||
        bpf_skb_load_bytes(skb, 24, packet->destination, 16))
      return false;
  } else {
    return false;
  }
  if (packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_UDPLITE ||
      packet->protocol == IPPROTO_SCTP) {
    if (bpf_skb_load_bytes(skb, at, ports, 4))
      return false;
    packet->source_port = bpf_ntohs(ports[0]);
    packet->destination_port = bpf_ntohs(ports[1]);
    at += packet->protocol == IPPROTO_SCTP ? 12 : 8;
  }
  packet->payload_at = at;
  packet->payload = skb->len > at ? skb->len - at : 0;
  return true;
}

static __always_inline struct peer_counts *counts_of(struct peer_key *key,
                                                     const struct packet *packet, bool outgoing,
                                                     struct __sk_buff *skb)
{
  __u32 turn = peers_turn;
  struct peer_counts *known = peers_of(turn, key);
  struct peer_counts fresh = {};

  if (known)
    return known;
  fresh.first_ns = bpf_ktime_get_boot_ns();
  fresh.local_port = outgoing ? packet->source_port : packet->destination_port;
  __builtin_memcpy(fresh.local, outgoing ? packet->source : packet->destination, 16);
  fresh.interface = skb->ifindex;
  peers_add(turn, key, &fresh);
  return peers_of(turn, key);
}

static __always_inline void count(struct __sk_buff *skb, const struct packet *packet,
                                  __u16 socket_type, bool outgoing)
{
  __u32 packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
  struct peer_counts *counts;
  struct peer_key key = {};

  key.cookie = bpf_get_socket_cookie(skb);
  key.family = packet->family;
  key.protocol = packet->protocol;
  key.socket_type = socket_type;
  key.remote_port = outgoing ? packet->destination_port : packet->source_port;
  __builtin_memcpy(key.remote, outgoing ? packet->destination : packet->source, 16);
  counts = counts_of(&key, packet, outgoing, skb);
  if (!counts) {
    lose_packet();
    return;
  }
  count_packets(counts, packets, packet->payload, outgoing);
}

/* --- names ---------------------------------------------------------------------------------------
 */

static __always_inline void tell_dns(struct __sk_buff *skb, const struct packet *packet, bool tcp)
{
  __u32 zero = 0, bytes = packet->payload;
  struct dns_room *room = bpf_map_lookup_elem(&dns_rooms, &zero);

  if (!room || bytes < 12)
    return;
  if (bytes > EVENT_DNS_MAX)
    bytes = EVENT_DNS_MAX;
  room->event.header.at_ns = bpf_ktime_get_boot_ns();
  room->event.header.kind = EVENT_DNS;
  room->event.header.network_namespace = 0;
  room->event.cookie = bpf_get_socket_cookie(skb);
  room->event.bytes = bytes;
  room->event.over_tcp = tcp;
  /* For the verifier: it forgets that 12 <= bytes. */
  bytes = (bytes - 1) & (EVENT_DNS_MAX - 1);
  if (bpf_skb_load_bytes(skb, packet->payload_at, room->message, bytes + 1))
    return;
  if (bpf_ringbuf_output(&ring, room, sizeof(room->event) + bytes + 1,
                         wakeup_after(sizeof(room->event) + bytes + 1)))
    count_lost(EVENT_DNS);
}

static __always_inline void look_for_dns_in_tcp(struct __sk_buff *skb, const struct bpf_sock *sk)
{
  struct packet packet;
  __u8 offset = 0;

  if (sk->dst_port != bpf_htons(DNS_PORT) || !read_packet(skb, &packet) ||
      packet.protocol != IPPROTO_TCP || bpf_skb_load_bytes(skb, packet.payload_at + 12, &offset, 1))
    return;
  packet.payload_at += (offset >> 4) * 4;
  packet.payload = skb->len > packet.payload_at ? skb->len - packet.payload_at : 0;
  tell_dns(skb, &packet, true);
}

SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *skb)
{
  struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;
  struct packet packet;

  if (!sk)
    return 1;
  if (sk->protocol == IPPROTO_TCP) {
    look_for_dns_in_tcp(skb, sk);
    return 1;
  }
  if (!is_counted(sk) || !read_packet(skb, &packet))
    return 1;
  count(skb, &packet, sk->type, false);
  if (packet.protocol == IPPROTO_UDP && packet.source_port == DNS_PORT)
    tell_dns(skb, &packet, false);
  return 1;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
  struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;
  struct packet packet;

  if (!sk || !is_counted(sk) || !read_packet(skb, &packet))
    return 1;
  count(skb, &packet, sk->type, true);
  return 1;
}
