// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A glance at every TCP connection of the host: just so much of each that the recorder sees whether
 * it is as it was. Run by the recorder itself (BPF_PROG_RUN), again and again until the table's
 * end.
 *
 * It reads the kernel's hash table of connections without a lock, as a packet that looks for its
 * socket does. A socket that moves or goes meanwhile may be missed, or read half; the recorder asks
 * sock_diag for every socket that is not as it was and for every one that was not shown.
 *
 * Refused: the iterator over TCP sockets, which locks each, walks the table once for each network
 * namespace, and takes twice as long.
 */
#include "bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/ends.h"
#include "bpf/event.h"

/* A step enters a place of the table, or tells of a socket. */
#define STEPS_MAX (GLANCE_PLACES + 2 * GLANCES_MAX)

/* A kernel function since Linux 6.2: reading through what it returns cannot fault. */
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;

#define READABLE(address, type) \
  ((type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/* Set to 0 by the recorder to begin a walk, and to where the next run goes on by each run. */
__u32 glance_place;
/* What a run found: of these, the first `glance_count` count. */
struct tcp_glance glances[GLANCES_MAX];
__u32 glance_count;
__u32 glance_places;    /* of the table */
__u32 glance_is_shared; /* the table is of all namespaces that have none of their own */
__u32 glance_overflow;  /* one place has more sockets than fit */
/* Where a pointer becomes a number. */
static __u64 glance_node;

struct glance_walk {
  struct inet_ehash_bucket *table;
  __u64 node;  /* of a chain; an odd one is its end, twice the chain's place and 1 */
  __u32 place; /* of the chain */
  __u32 end;
  __u32 count;
  __u32 count_before; /* at the chain's beginning */
};

static __always_inline __u64 number_of(struct hlist_nulls_node *node)
{
  *(volatile __u64 *)&glance_node = (__u64)node;
  return *(volatile __u64 *)&glance_node;
}

static __always_inline void enter_place(struct glance_walk *walk)
{
  struct inet_ehash_bucket *bucket = READABLE(walk->table + walk->place, struct inet_ehash_bucket);

  walk->node = number_of(bucket->chain.first);
  walk->count_before = walk->count;
}

static __always_inline void tell_glance(struct tcp_glance *glance, __u64 node)
{
  struct sock_common *common = READABLE(
      node - bpf_core_field_offset(struct sock_common, skc_nulls_node), struct sock_common);
  struct tcp_sock *tcp;
  __s32 waiting;

  glance->cookie = common->skc_cookie.counter;
  glance->network_namespace = common->skc_net.net->ns.inum;
  glance->interface = common->skc_bound_dev_if;
  tell_addresses(&glance->ends, (struct sock *)common);
  glance->ends.protocol = IPPROTO_TCP;
  glance->segments_in = glance->segments_out = 0;
  glance->receive_queue = glance->send_queue = 0;
  glance->state = common->skc_state;
  glance->is_stand_in = glance->state == TCP_TIME_WAIT;
  if (glance->is_stand_in)
    glance->state = READABLE(common, struct inet_timewait_sock)->tw_substate;
  if (glance->is_stand_in || glance->state == TCP_NEW_SYN_RECV)
    return;
  tcp = READABLE(common, struct tcp_sock);
  waiting = tcp->rcv_nxt - tcp->copied_seq;
  glance->receive_queue = waiting > 0 ? waiting : 0;
  glance->send_queue = tcp->write_seq - tcp->snd_una;
  glance->segments_in = tcp->segs_in;
  glance->segments_out = tcp->segs_out;
}

/* 1 ends the run. */
static long glance_step(__u32 index, struct glance_walk *walk)
{
  __u32 count = walk->count;

  if (walk->node & 1) {
    /* The end of another chain: a socket moved there. This one is walked once more. */
    if (walk->node >> 1 == walk->place)
      walk->place++;
    if (walk->place >= walk->end)
      return 1;
    enter_place(walk);
    return 0;
  }
  if (count >= GLANCES_MAX) {
    glance_overflow |= walk->count_before == 0;
    walk->count = walk->count_before;
    return 1;
  }
  tell_glance(&glances[count & (GLANCES_MAX - 1)], walk->node);
  walk->node = number_of(READABLE(walk->node, struct hlist_nulls_node)->next);
  walk->count = count + 1;
  return 0;
}

SEC("raw_tp")
int on_glance(void *context)
{
  struct task_struct *task = bpf_get_current_task_btf();
  struct inet_hashinfo *sockets = task->nsproxy->net_ns->ipv4.tcp_death_row.hashinfo;
  struct glance_walk walk = {.table = sockets->ehash, .place = glance_place};
  __u32 places = sockets->ehash_mask + 1;

  glance_places = places;
  glance_is_shared = !bpf_core_field_exists(sockets->pernet) || !sockets->pernet;
  glance_count = 0;
  if (walk.place >= places)
    return 0;
  walk.end = places - walk.place < GLANCE_PLACES ? places : walk.place + GLANCE_PLACES;
  enter_place(&walk);
  bpf_loop(STEPS_MAX, glance_step, &walk, 0);
  glance_count = walk.count;
  glance_place = walk.place;
  return 0;
}
