// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who accepts, and what connect(2) refuses: the return of a call is the one place where a socket
 * that came in has an owner, and the only trace of a connection that never became a packet. And
 * UNIX sockets, which have no other hook.
 */
#include "bpf/descriptor.h"
#include "bpf/ends.h"
#include "bpf/ring.h"
#include "bpf/syscall.h"
#include "bpf/unix.h"

#define RING_ACCEPT 13      /* IORING_OP_ACCEPT */
#define RING_MORE 2         /* IORING_CQE_F_MORE */
#define RING_ANY_SLOT (~0u) /* IORING_FILE_INDEX_ALLOC */

static __always_inline bool is_tcp(const struct sock *sk, __u16 family)
{
  return (family == AF_INET || family == AF_INET6) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

/* `descriptor`: -1 if `current` has none of it. */
static __always_inline int tell_accepted(struct task_struct *task, struct opened_socket opened,
                                         long descriptor, bool only_holder)
{
  struct event_accepted *event;
  struct sock *sk = opened.sk; /* CO-RE would look for the member in the kernel */

  event = event_begin(EVENT_SOCKET_ACCEPTED, sizeof(*event));
  if (!event)
    return 0;
  event->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
  event->inode = inode_of(opened.socket);
  event->descriptor = descriptor;
  event->only_holder = only_holder;
  tell_task(&event->task, task);
  event_end(event);
  return 0;
}

static __always_inline int accepted(struct task_struct *task, struct opened_socket opened,
                                    long descriptor)
{
  struct sock *sk = opened.sk;
  __u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;

  if (family == AF_UNIX)
    return unix_told(EVENT_UNIX_ACCEPTED, task, sk, descriptor);
  return sk && is_tcp(sk, family) ? tell_accepted(task, opened, descriptor, false) : 0;
}

/* sockaddr_in and sockaddr_in6 as a program passes them. */
static __always_inline void tell_wanted(struct event_ends *ends, const void *address)
{
  struct {
    __u16 family;
    __be16 port;
    __u8 bytes[24]; /* v4: at 0; v6: at 4, after the flow label */
  } wanted = {};

  bpf_probe_read_user(&wanted, sizeof(wanted), address);
  ends->family = wanted.family;
  ends->remote_port = bpf_ntohs(wanted.port);
  __builtin_memset(ends->remote, 0, 16);
  if (wanted.family == AF_INET6)
    __builtin_memcpy(ends->remote, wanted.bytes + 4, 16);
  else
    __builtin_memcpy(ends->remote, wanted.bytes, 4);
}

/* Among what connect(2) refuses is what never becomes a transition: no route, no permission. */
static __always_inline int connect_failed(struct task_struct *task, struct pt_regs *regs,
                                          long error)
{
  long descriptor = (__s32)SYSCALL_FIRST(regs);
  struct opened_socket opened = socket_at(task, descriptor);
  struct sock *sk = opened.sk;
  __u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;
  struct event_connect_failed *event;

  if (family == AF_UNIX)
    return unix_failed(task, sk, descriptor, (const void *)SYSCALL_SECOND(regs),
                       SYSCALL_THIRD(regs), error);
  if (!sk || !is_tcp(sk, family) || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE)
    return 0;
  event = event_begin(EVENT_CONNECT_FAILED, sizeof(*event));
  if (!event)
    return 0;
  event->header.network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  event->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
  event->inode = inode_of(opened.socket);
  read_addresses(&event->ends, &sk->__sk_common);
  tell_wanted(&event->ends, (const void *)SYSCALL_SECOND(regs));
  event->ends.protocol = IPPROTO_TCP;
  event->descriptor = descriptor;
  event->error = -error;
  tell_task(&event->task, task);
  event_end(event);
  return 0;
}

/* EINPROGRESS, EALREADY and EISCONN are no failures; EFAULT, EBADF, ENOTSOCK no connection's. */
static __always_inline bool is_failure(long result)
{
  return result < 0 && result != -115 && result != -114 && result != -106 && result != -14 &&
         result != -9 && result != -88;
}

static __always_inline int unix_paired(struct task_struct *task, const void *descriptors)
{
  __s32 pair[2];

  if (bpf_probe_read_user(pair, sizeof(pair), descriptors))
    return 0;
  unix_called(EVENT_UNIX_CONNECTED, task, pair[0]);
  return unix_called(EVENT_UNIX_CONNECTED, task, pair[1]);
}

/* Cheaper than a look at the socket, for the many connects that are TCP's. */
static __always_inline bool names_unix(const void *address)
{
  __u16 family = 0;

  return !bpf_probe_read_user(&family, sizeof(family), address) && family == AF_UNIX;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_syscall_return, struct pt_regs *regs, long result)
{
  struct task_struct *task;
  long number = SYSCALL_NUMBER(regs);

  if (number != SYSCALL_ACCEPT4 && number != SYSCALL_ACCEPT && number != SYSCALL_CONNECT &&
      number != SYSCALL_LISTEN && number != SYSCALL_SOCKETPAIR)
    return 0;
  task = bpf_get_current_task_btf();
  if (number == SYSCALL_ACCEPT4 || number == SYSCALL_ACCEPT) {
    if (result >= 0)
      return accepted(task, socket_at(task, result), result);
  } else if (number == SYSCALL_CONNECT) {
    if (is_failure(result))
      return connect_failed(task, regs, result);
    if (result == 0 && names_unix((const void *)SYSCALL_SECOND(regs)))
      return unix_called(EVENT_UNIX_CONNECTED, task, (__s32)SYSCALL_FIRST(regs));
  } else if (result == 0 && number == SYSCALL_LISTEN) {
    return unix_called(EVENT_UNIX_LISTENING, task, (__s32)SYSCALL_FIRST(regs));
  } else if (result == 0) {
    return unix_paired(task, (const void *)SYSCALL_FOURTH(regs));
  }
  return 0;
}

/* --- through io_uring ----------------------------------------------------------------------------
 */

/* What was accepted into a ring's own table has no descriptor. */
static __always_inline struct opened_socket socket_in_ring(struct io_ring_ctx *ring, __u32 slot)
{
  struct io_rsrc_node **nodes, *node;
  struct opened_socket none = {};
  struct file *file;

  if (!bpf_core_field_exists(ring->file_table.data.nodes)) /* since Linux 6.13 */
    return none;
  if (slot >= BPF_CORE_READ(ring, file_table.data.nr))
    return none;
  nodes = BPF_CORE_READ(ring, file_table.data.nodes);
  if (bpf_probe_read_kernel(&node, sizeof(node), nodes + slot) || !node)
    return none;
  file = (struct file *)(BPF_CORE_READ(node, file_ptr) & ~7ul); /* flags in the low bits */
  return file ? socket_of(file) : none;
}

static __always_inline void held(struct task_struct *task, struct opened_socket opened,
                                 long descriptor)
{
  struct sock *sk = opened.sk;

  if (sk && is_tcp(sk, BPF_CORE_READ(sk, __sk_common.skc_family)))
    tell_accepted(task, opened, descriptor, true);
}

/* Runs in the program that asked, or in a worker thread of it. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_ring_complete, struct io_ring_ctx *ring, void *request, struct io_uring_cqe *done)
{
  struct task_struct *task = bpf_get_current_task_btf();
  struct io_accept *accept = request; /* the command is the request's beginning */
  struct io_kiocb *base = request;
  __s32 result = done->res;
  __u32 slot;

  if (result < 0)
    return 0;
  /* One of several results of a request, which is not named here: an accept, or something else. */
  if (!request) {
    if (done->flags & RING_MORE) {
      held(task, socket_at(task, result), result);
      held(task, socket_in_ring(ring, result), -1);
    }
    return 0;
  }
  if (BPF_CORE_READ(base, opcode) != RING_ACCEPT)
    return 0;
  slot = BPF_CORE_READ(accept, file_slot);
  if (!slot)
    return accepted(task, socket_at(task, result), result);
  return accepted(task, socket_in_ring(ring, slot == RING_ANY_SLOT ? result : slot - 1), -1);
}
