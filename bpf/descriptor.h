/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets by the descriptor a program has of them. */
#ifndef NETREC_BPF_DESCRIPTOR_H
#define NETREC_BPF_DESCRIPTOR_H

#include "bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* A socket and what is made of it, read at once: each read from memory costs some 50 ns. */
struct opened_socket {
  struct socket *socket; /* NULL: it is none */
  struct sock *sk;
};

/* What an open file is of, if it is of a socket. */
static __always_inline struct opened_socket socket_of(struct file *file)
{
  struct socket *socket = BPF_CORE_READ(file, private_data);
  struct opened_socket opened = {};
  struct {
    struct file *file;
    struct sock *sk;
  } pair = {};

  if (!socket)
    return opened;
  if (bpf_core_field_offset(struct socket, sk) ==
      bpf_core_field_offset(struct socket, file) + sizeof(pair.file)) {
    bpf_probe_read_kernel(&pair, sizeof(pair), &socket->file);
  } else {
    pair.file = BPF_CORE_READ(socket, file);
    pair.sk = BPF_CORE_READ(socket, sk);
  }
  if (pair.file != file)
    return opened;
  opened.socket = socket;
  opened.sk = pair.sk;
  return opened;
}

/* What a descriptor of `task`, which is `current`, refers to. */
static __always_inline struct file *file_at(struct task_struct *task, long descriptor)
{
  struct fdtable *table = task->files->fdt;
  struct file **files = table->fd;
  struct file *file;

  if (descriptor < 0 || descriptor >= table->max_fds)
    return NULL;
  if (bpf_probe_read_kernel(&file, sizeof(file), files + descriptor))
    return NULL;
  return file;
}

static __always_inline struct opened_socket socket_at(struct task_struct *task, long descriptor)
{
  struct file *file = file_at(task, descriptor);
  struct opened_socket none = {};

  return file ? socket_of(file) : none;
}

#endif /* NETREC_BPF_DESCRIPTOR_H */
