// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ends of UNIX sockets. The kernel has no hook where one is let go; but a socket goes with the
 * last reference to its open file, and programs drop those by close(2), by dup2(2) over it, by
 * close_range(2) and by ending. Each is told of as it begins, with how many references there were,
 * so that the reader knows which was the last.
 *
 * What goes another way (a descriptor under way in a message that nobody received, one closed by
 * exec or through io_uring) is found by a look at all UNIX sockets.
 */
#include "bpf/unix.h"
#include "bpf/syscall.h"

#define DESCRIPTORS_MAX (1 << 16)
#define CLOSE_RANGE_UNSHARE 2

static __always_inline __u32 references_of(struct file *file)
{
  struct file___before_6_13 *old = (void *)file;

  if (bpf_core_field_exists(file->f_ref))
    return BPF_CORE_READ(file, f_ref.refcnt.counter) + 1;
  return BPF_CORE_READ(old, f_count.counter);
}

static __always_inline void tell_left(struct file *file, __u32 pid, __u32 exits)
{
  struct opened_socket opened = socket_of(file);
  struct sock *sk = opened.sk;
  struct event_unix_left *event;

  if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
    return;
  event = event_begin(EVENT_UNIX_LEFT, sizeof(*event));
  if (!event)
    return;
  event->header.network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  event->pid = pid;
  event->inode = inode_of(opened.socket);
  event->references = references_of(file);
  event->exits = exits;
  event_end(event);
}

/* Where a walk over a table of descriptors is. */
struct table_walk {
  struct file **files;
  unsigned long *open;
  unsigned long word; /* of `open`, that of `next` */
  __u32 next;
  __u32 end;
  __u32 pid;
  __u32 exits;
};

/* One descriptor, or one step over 64 that are not there; 1 ends the walk. */
static long table_step(__u32 index, struct table_walk *walk)
{
  __u32 descriptor = walk->next;
  struct file *file;

  if (descriptor >= walk->end)
    return 1;
  if (!index || !(descriptor & 63))
    if (bpf_probe_read_kernel(&walk->word, sizeof(walk->word), walk->open + descriptor / 64))
      return 1;
  if (!(walk->word >> (descriptor & 63))) {
    walk->next = (descriptor | 63) + 1;
    return 0;
  }
  walk->next = descriptor + 1;
  if (walk->word >> (descriptor & 63) & 1)
    if (!bpf_probe_read_kernel(&file, sizeof(file), walk->files + descriptor) && file)
      tell_left(file, walk->pid, walk->exits);
  return 0;
}

static __always_inline void walk_table(struct task_struct *task, __u64 first, __u64 last,
                                       __u32 exits)
{
  struct fdtable *table = task->files->fdt;
  struct table_walk walk = {
      .files = table->fd,
      .open = table->open_fds,
      .pid = task->tgid,
      .exits = exits,
  };

  if (first >= table->max_fds)
    return;
  walk.next = first;
  walk.end = last < table->max_fds ? last + 1 : table->max_fds;
  bpf_loop(DESCRIPTORS_MAX, table_step, &walk, 0);
}

static __always_inline int left(__s32 descriptor)
{
  struct task_struct *task = bpf_get_current_task_btf();
  struct file *file = file_at(task, descriptor);

  if (file)
    tell_left(file, task->tgid, 0);
  return 0;
}

/* What the new descriptor was goes, if the old one is any. */
static __always_inline int replaced(__s32 old, __s32 new)
{
  return old != new &&file_at(bpf_get_current_task_btf(), old) ? left(new) : 0;
}

/* With a table that others share, unsharing leaves it to them as it is. */
static __always_inline int range_closed(__u32 first, __u32 last, __u32 flags)
{
  struct task_struct *task = bpf_get_current_task_btf();
  bool unshares = flags == CLOSE_RANGE_UNSHARE;

  if (!flags || (unshares && task->files->count.counter == 1))
    walk_table(task, first, last, 0);
  return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_syscall_entry, struct pt_regs *regs, long number)
{
  if (number == SYSCALL_CLOSE)
    return left(SYSCALL_FIRST(regs));
  if (number == SYSCALL_DUP2 || number == SYSCALL_DUP3)
    return replaced(SYSCALL_FIRST(regs), SYSCALL_SECOND(regs));
  if (number == SYSCALL_CLOSE_RANGE)
    return range_closed(SYSCALL_FIRST(regs), SYSCALL_SECOND(regs), SYSCALL_THIRD(regs));
  return 0;
}

/* The last thread that uses a table of descriptors takes them all with it. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_descriptors_left, struct task_struct *task)
{
  struct files_struct *files = task->files;

  if (files && files->count.counter == 1)
    walk_table(task, 0, DESCRIPTORS_MAX, 1);
  return 0;
}
