/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each socket exchanged with each peer, counted here and read once a tick. */
#ifndef NETREC_BPF_PEERS_H
#define NETREC_BPF_PEERS_H

#include "bpf/ring.h"

#define PEERS_MAX 16384

struct peer_map {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, PEERS_MAX);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct peer_key);
  __type(value, struct peer_counts);
};

/* One is counted into while the other is read: then no packet falls between. */
struct peer_map peers_even __weak SEC(".maps"), peers_odd __weak SEC(".maps");
volatile __u32 peers_turn __weak = 0;

/* Packets with a peer there was no room for. */
__u64 lost_packets __weak = 0;

static __always_inline void lose_packet(void)
{
  __sync_fetch_and_add(&lost_packets, 1);
}

static __always_inline void *peers_of(__u32 turn, struct peer_key *key)
{
  return turn & 1 ? bpf_map_lookup_elem(&peers_odd, key) : bpf_map_lookup_elem(&peers_even, key);
}

static __always_inline void peers_add(__u32 turn, struct peer_key *key, struct peer_counts *fresh)
{
  if (turn & 1)
    bpf_map_update_elem(&peers_odd, key, fresh, BPF_NOEXIST);
  else
    bpf_map_update_elem(&peers_even, key, fresh, BPF_NOEXIST);
}

static __always_inline void count_packets(struct peer_counts *counts, __u64 packets, __u64 bytes,
                                          bool outgoing)
{
  counts->last_ns = bpf_ktime_get_boot_ns();
  if (outgoing) {
    __sync_fetch_and_add(&counts->packets_sent, packets);
    __sync_fetch_and_add(&counts->bytes_sent, bytes);
  } else {
    __sync_fetch_and_add(&counts->packets_received, packets);
    __sync_fetch_and_add(&counts->bytes_received, bytes);
  }
}

#endif /* NETREC_BPF_PEERS_H */
