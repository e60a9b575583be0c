/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets by the descriptor a program has of them. */
#ifndef NETREC_BPF_DESCRIPTOR_H
#define NETREC_BPF_DESCRIPTOR_H

#include "bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* The socket an open file is of, if it is of one. */
static __always_inline struct socket *socket_of(struct file *file)
{
  struct socket *socket = BPF_CORE_READ(file, private_data);

  if (!socket || BPF_CORE_READ(socket, file) != file)
    return NULL;
  return socket;
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

static __always_inline struct socket *socket_at(struct task_struct *task, long descriptor)
{
  struct file *file = file_at(task, descriptor);

  return file ? socket_of(file) : NULL;
}

#endif /* NETREC_BPF_DESCRIPTOR_H */
