/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a call that made, connected or accepted a UNIX socket tells of it when it returns. */
#ifndef NETREC_BPF_UNIX_H
#define NETREC_BPF_UNIX_H

#include "bpf/descriptor.h"
#include "bpf/ends.h"
#include "bpf/ring.h"

/* Keeps the compiler from comparing one copy of a number and using another. */
static __always_inline __u64 bounded(__u64 number)
{
  asm volatile("" : "+r"(number));
  return number;
}

static __always_inline __u16 read_name(char *name, const struct sock *sk)
{
  const struct unix_sock *unix_socket = (const void *)sk;
  struct unix_address *address = sk ? BPF_CORE_READ(unix_socket, addr) : NULL;
  __u64 bytes;

  if (!address)
    return 0;
  bytes = bounded(BPF_CORE_READ(address, len) - sizeof(unsigned short));
  if (bytes > EVENT_UNIX_NAME_MAX)
    return 0;
  if (bpf_probe_read_kernel(name, bytes, &address->name[0].sun_path))
    return 0;
  return bytes;
}

/* An event_unix with all that the socket itself tells; NULL if there is no room. */
static __always_inline struct event_unix *unix_event(__u32 kind, struct task_struct *task,
                                                     const struct sock *sk, long descriptor)
{
  struct event_unix *event = event_begin(kind, sizeof(*event));
  const struct unix_sock *unix_socket = (const void *)sk;
  const struct sock *peer = BPF_CORE_READ(unix_socket, peer);

  if (!event)
    return NULL;
  event->header.network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  event->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
  tell_task(&event->task, task);
  event->inode = inode_of(BPF_CORE_READ(sk, sk_socket));
  event->peer_inode = peer ? inode_of(BPF_CORE_READ(peer, sk_socket)) : 0;
  event->descriptor = descriptor;
  event->uid = BPF_CORE_READ(sk, sk_uid.val);
  event->type = BPF_CORE_READ(sk, sk_type);
  event->error = 0;
  event->name_bytes = read_name(event->name, sk);
  event->remote_name_bytes = read_name(event->remote_name, peer);
  return event;
}

static __always_inline int unix_told(__u32 kind, struct task_struct *task, struct sock *sk,
                                     long descriptor)
{
  struct event_unix *event = unix_event(kind, task, sk, descriptor);

  if (event)
    event_end(event);
  return 0;
}

/* Of whatever `descriptor` of `current` is; nothing if that is no UNIX socket. */
static __always_inline int unix_called(__u32 kind, struct task_struct *task, long descriptor)
{
  struct sock *sk = socket_at(task, descriptor).sk;

  if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
    return 0;
  return unix_told(kind, task, sk, descriptor);
}

/* `address`: the sockaddr_un of `length` bytes that the program wanted to connect to. */
static __always_inline int unix_failed(struct task_struct *task, const struct sock *sk,
                                       long descriptor, const void *address, __u64 length,
                                       long error)
{
  struct event_unix *event = unix_event(EVENT_UNIX_FAILED, task, sk, descriptor);
  __u64 bytes = bounded(length - sizeof(unsigned short));

  if (!event)
    return 0;
  event->error = -error;
  event->remote_name_bytes = 0;
  if (bytes <= EVENT_UNIX_NAME_MAX &&
      !bpf_probe_read_user(event->remote_name, bytes, address + sizeof(unsigned short)))
    event->remote_name_bytes = bytes;
  event_end(event);
  return 0;
}

#endif /* NETREC_BPF_UNIX_H */
