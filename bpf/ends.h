/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Both ends of a socket. */
#ifndef NETREC_BPF_ENDS_H
#define NETREC_BPF_ENDS_H

#include "bpf/kernel.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/event.h"

/* Addresses of a socket the verifier knows (a tp_btf argument). */
static __always_inline void tell_addresses(struct event_ends *ends, const struct sock *sk)
{
  const struct sock_common *common = &sk->__sk_common;

  ends->family = common->skc_family;
  ends->local_port = common->skc_num;
  ends->remote_port = bpf_ntohs(common->skc_dport);
  if (ends->family == AF_INET6) {
    __builtin_memcpy(ends->local, &common->skc_v6_rcv_saddr, 16);
    __builtin_memcpy(ends->remote, &common->skc_v6_daddr, 16);
    return;
  }
  __builtin_memset(ends->local, 0, 16);
  __builtin_memset(ends->remote, 0, 16);
  *(__be32 *)ends->local = common->skc_rcv_saddr;
  *(__be32 *)ends->remote = common->skc_daddr;
}

/* The same of a pointer that was read from memory. */
static __always_inline void read_addresses(struct event_ends *ends,
                                           const struct sock_common *common)
{
  ends->family = BPF_CORE_READ(common, skc_family);
  ends->local_port = BPF_CORE_READ(common, skc_num);
  ends->remote_port = bpf_ntohs(BPF_CORE_READ(common, skc_dport));
  if (ends->family == AF_INET6) {
    BPF_CORE_READ_INTO(&ends->local, common, skc_v6_rcv_saddr);
    BPF_CORE_READ_INTO(&ends->remote, common, skc_v6_daddr);
    return;
  }
  __builtin_memset(ends->local, 0, 16);
  __builtin_memset(ends->remote, 0, 16);
  *(__be32 *)ends->local = BPF_CORE_READ(common, skc_rcv_saddr);
  *(__be32 *)ends->remote = BPF_CORE_READ(common, skc_daddr);
}

/* The inode a socket is known by in /proc/PID/fd; 0 while no file belongs to it. */
static __always_inline __u64 inode_of(struct socket *socket)
{
  struct socket_alloc *alloc = (void *)socket; /* its first member */

  return socket ? BPF_CORE_READ(alloc, vfs_inode.i_ino) : 0;
}

/* The same of a socket the verifier knows; by its file, which needs no helper. */
static __always_inline __u64 inode_of_sock(const struct sock *sk)
{
  struct socket *socket = sk->sk_socket;
  struct file *file = socket ? socket->file : NULL;

  return file ? file->f_inode->i_ino : inode_of(socket);
}

#endif /* NETREC_BPF_ENDS_H */
