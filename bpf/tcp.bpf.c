// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of every TCP connection of every network namespace: the state transitions, who
 * connected, what became of TIME_WAIT.
 *
 * Only three places know the owner: CLOSE -> SYN_SENT and CLOSE -> LISTEN run in the caller's
 * context, and so does the return of accept(2) (calls.bpf.c). All other transitions may run in a
 * softirq, with whoever happened to be interrupted.
 *
 * kprobes and fentry are not to be had everywhere (measured: neither is on the kernel this was
 * written on), so nothing here needs them.
 */
#include "bpf/ring.h"
#include "bpf/ends.h"
#include "bpf/syscall.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Address of tw_timer_handler in /proc/kallsyms: how TIME_WAIT's timers are told from others. */
const volatile __u64 time_wait_handler = 0;

extern int CONFIG_HZ __kconfig __weak;

static __always_inline void tell_transition(struct event_transition *event, struct sock *sk,
                                            int old_state, int new_state)
{
  event->header.network_namespace = sk->__sk_common.skc_net.net->ns.inum;
  event->cookie = bpf_get_socket_cookie(sk);
  event->old_state = old_state;
  event->new_state = new_state;
  event->error = sk->sk_err;
  event->uid = sk->sk_uid.val;
}

/* inet_num is taken back before the transition to CLOSE is told; inet_sport stays a while. */
static __always_inline void tell_ends(struct event_ends *ends, struct sock *sk,
                                      struct tcp_sock *tcp)
{
  tell_addresses(ends, sk);
  if (!ends->local_port && tcp)
    ends->local_port = bpf_ntohs(tcp->inet_conn.icsk_inet.inet_sport);
  ends->protocol = IPPROTO_TCP;
}

/* The descriptor `current` is calling connect(2) or listen(2) with. */
static __always_inline __s32 descriptor_in_call(struct task_struct *task)
{
  struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
  long number = SYSCALL_NUMBER(regs);

  if (number != SYSCALL_CONNECT && number != SYSCALL_LISTEN)
    return -1;
  return SYSCALL_FIRST(regs);
}

static __always_inline int identified(struct sock *sk, int old_state, int new_state)
{
  struct event_socket *event = event_begin(EVENT_SOCKET_IDENTIFIED, sizeof(*event));
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
  struct task_struct *task;

  if (!event)
    return 0;
  tell_transition(&event->transition, sk, old_state, new_state);
  tell_ends(&event->ends, sk, tcp);
  event->inode = inode_of_sock(sk);
  event->mark = sk->sk_mark;
  event->interface = sk->__sk_common.skc_bound_dev_if;
  event->rtt_us = tcp ? tcp->srtt_us >> 3 : 0;
  event->descriptor = -1;
  no_task(&event->task);
  if (new_state == TCP_SYN_SENT || new_state == TCP_LISTEN) {
    task = bpf_get_current_task_btf();
    tell_task(&event->task, task);
    event->descriptor = descriptor_in_call(task);
  }
  event_end(event);
  return 0;
}

/*
 * The kernel counts sequence numbers, and SYN and FIN take one each: what the programs passed is
 * told here. SOCK_DONE says that the peer's FIN came.
 */
static __always_inline void tell_totals(struct event_totals *totals, struct sock *sk,
                                        struct tcp_sock *tcp)
{
  __u64 data = tcp->bytes_sent - tcp->bytes_retrans;
  __u64 acked = tcp->bytes_acked;
  __u64 received = tcp->bytes_received;

  totals->bytes_sent = tcp->bytes_sent;
  totals->bytes_acked = acked < data ? acked : data;
  totals->bytes_received =
      received && (sk->__sk_common.skc_flags & (1 << SOCK_DONE)) ? received - 1 : received;
  totals->bytes_retransmitted = tcp->bytes_retrans;
  totals->segments_out = tcp->segs_out;
  totals->segments_in = tcp->segs_in;
  totals->data_segments_out = tcp->data_segs_out;
  totals->data_segments_in = tcp->data_segs_in;
  totals->total_retransmits = tcp->total_retrans;
  totals->rtt_us = tcp->srtt_us >> 3;
  totals->rtt_variance_us = tcp->mdev_us >> 2;
  totals->min_rtt_us = tcp->rtt_min.s[0].v;
  totals->congestion_window = tcp->snd_cwnd;
  totals->delivered = tcp->delivered;
}

static __always_inline int closed(struct sock *sk, int old_state)
{
  struct event_closed *event = event_begin(EVENT_SOCKET_CLOSED, sizeof(*event));
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

  if (!event)
    return 0;
  tell_transition(&event->transition, sk, old_state, TCP_CLOSE);
  tell_ends(&event->ends, sk, tcp);
  if (tcp)
    tell_totals(&event->totals, sk, tcp);
  else
    __builtin_memset(&event->totals, 0, sizeof(event->totals));
  event_end(event);
  return 0;
}

static __always_inline int changed(struct sock *sk, int old_state, int new_state)
{
  struct event_transition *event = event_begin(EVENT_SOCKET_CHANGED, sizeof(*event));

  if (!event)
    return 0;
  tell_transition(event, sk, old_state, new_state);
  event_end(event);
  return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state, struct sock *sk, int old_state, int new_state)
{
  if (sk->sk_protocol != IPPROTO_TCP)
    return 0;
  /* A child born of a listener: it is told of when it is established, microseconds later. */
  if (new_state == TCP_SYN_RECV && old_state == TCP_LISTEN)
    return 0;
  if (new_state == TCP_CLOSE)
    return closed(sk, old_state);
  if (new_state == TCP_SYN_SENT || new_state == TCP_LISTEN || new_state == TCP_ESTABLISHED)
    return identified(sk, old_state, new_state);
  return changed(sk, old_state, new_state);
}

static __always_inline int time_wait(struct timer_list *timer, __u32 kind)
{
  struct inet_timewait_sock *wait;
  struct event_time_wait *event;
  __u64 cookie;
  __s64 ticks;

  if (!time_wait_handler || (__u64)timer->function != time_wait_handler)
    return 0;
  wait = (void *)timer - bpf_core_field_offset(struct inet_timewait_sock, tw_timer);
  cookie = BPF_CORE_READ(wait, __tw_common.skc_cookie.counter);
  if (!cookie)
    return 0;
  event = event_begin(kind, sizeof(*event));
  if (!event)
    return 0;
  event->header.network_namespace = BPF_CORE_READ(wait, __tw_common.skc_net.net, ns.inum);
  event->cookie = cookie;
  read_addresses(&event->ends, &wait->__tw_common);
  event->ends.protocol = IPPROTO_TCP;
  event->state = BPF_CORE_READ(wait, tw_substate);
  event->expires_ms = 0;
  ticks = timer->expires - bpf_jiffies64();
  if (kind == EVENT_TIME_WAIT && CONFIG_HZ > 0 && ticks > 0)
    event->expires_ms = (__u64)ticks * 1000 / (__u32)CONFIG_HZ;
  event_end(event);
  return 0;
}

/* TIME_WAIT begins, or begins anew when the peer's last FIN comes (again). */
SEC("tp_btf/timer_start")
int BPF_PROG(on_timer_start, struct timer_list *timer)
{
  return time_wait(timer, EVENT_TIME_WAIT);
}

/* It ran out or was called off; where it is only set anew, on_timer_start follows at once. */
SEC("tp_btf/timer_cancel")
int BPF_PROG(on_timer_cancel, struct timer_list *timer)
{
  return time_wait(timer, EVENT_TIME_WAIT_ENDED);
}
