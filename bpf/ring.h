/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring all events go through, in one order, and the count of those that did not fit. One ring
 * for sockets and processes, because a connection's owner must have been told before it.
 */
#ifndef NETREC_BPF_RING_H
#define NETREC_BPF_RING_H

#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/event.h"

/* The size is set before loading (see recorder/bpf_programs_bpf.cc). */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 2 << 20);
} ring __weak SEC(".maps");

/* Events that did not fit into the ring, by kind: where the recorder reads them without a call. */
__u64 lost[EVENT_KINDS] __weak = {};

static __always_inline void count_lost(__u32 kind)
{
  if (kind < EVENT_KINDS)
    __sync_fetch_and_add(&lost[kind], 1);
}

/* Room for an event of a constant size; NULL (and counted) if there is none. */
static __always_inline void *event_begin(__u32 kind, __u64 size)
{
  struct event_header *header = bpf_ringbuf_reserve(&ring, size, 0);

  if (!header) {
    count_lost(kind);
    return NULL;
  }
  header->at_ns = bpf_ktime_get_boot_ns();
  header->kind = kind;
  header->network_namespace = 0;
  return header;
}

/*
 * Waking the reader for each event costs four to eight times more than the event. What is in the
 * ring is read each tick anyway; before that the reader is woken when the filling passes a multiple
 * of RING_STEP. Two CPUs at once may both miss one such moment; the next one, or the tick, makes up
 * for it.
 */
static __always_inline __u64 wakeup_after(__u64 size)
{
  __u64 record = (size + 15) & ~7ull; /* eight bytes before it, and aligned to eight */
  __u64 filling = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

  return filling >= RING_STEP && (filling & (RING_STEP - 1)) <= record ? BPF_RB_FORCE_WAKEUP
                                                                       : BPF_RB_NO_WAKEUP;
}

#define event_end(event) bpf_ringbuf_submit(event, wakeup_after(sizeof(*(event))))

/* Who runs now. Only where the caller is known to act for itself: never at a socket's close. */
static __always_inline void tell_task(struct event_task *task, struct task_struct *current_task)
{
  struct task_struct *leader = current_task->group_leader;
  struct task_struct *parent = leader->real_parent;

  task->start_ns = leader->start_boottime;
  task->parent_start_ns = parent->group_leader->start_boottime;
  task->pid = current_task->tgid;
  task->parent_pid = parent->tgid;
  task->uid = current_task->cred->uid.val;
  task->effective_uid = current_task->cred->euid.val;
  __builtin_memcpy(task->comm, leader->comm, sizeof(task->comm));
}

static __always_inline void no_task(struct event_task *task)
{
  __builtin_memset(task, 0, sizeof(*task));
}

#endif /* NETREC_BPF_RING_H */
