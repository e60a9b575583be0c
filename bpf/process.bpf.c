// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What programs run: fork, exec and exit of every process, so that one that lived a millisecond
 * still has its name, its command line and its parent when its connection is told of.
 */
#include "bpf/ring.h"

#define PATH_NAMES_MAX 40
#define NAME_MAX 255

/* An event_exec and its strings, put together before it is known how long they are. */
struct exec_room {
  struct event_exec event;
  char strings[EVENT_PATH_MAX + EVENT_ARGUMENTS_MAX];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct exec_room);
} exec_rooms SEC(".maps");

/* Where tell_path is on its way from the file up to the root. */
struct path_walk {
  struct exec_room *room;
  struct dentry *dentry;
  struct mount *mount;
  __u32 used;
};

/* One name, or one step over a mount point; 1 ends the walk. */
static long path_step(__u32 index, struct path_walk *walk)
{
  struct dentry *dentry = walk->dentry;
  struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
  struct mount *mount = walk->mount;
  struct mount *under;
  __u32 used = walk->used;
  long length;

  if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
    under = BPF_CORE_READ(mount, mnt_parent);
    if (under == mount)
      return 1;
    walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
    walk->mount = under;
    return 0;
  }
  if (dentry == parent || used > EVENT_PATH_MAX - NAME_MAX - 1)
    return 1;
  length = bpf_probe_read_kernel_str(walk->room->strings + used, NAME_MAX + 1,
                                     BPF_CORE_READ(dentry, d_name.name));
  if (length <= 0)
    return 1;
  walk->used = used + length;
  walk->dentry = parent;
  return 0;
}

/*
 * Set when the reader was woken for a program, cleared when it reads. The first of them wakes it:
 * the path of a cgroup that lives shorter than a tick, and a command line longer than an event, can
 * only be asked for soon.
 */
__u32 program_waits;

static __always_inline __u64 wakeup_for_program(__u64 size)
{
  if (program_waits)
    return wakeup_after(size);
  program_waits = 1;
  return BPF_RB_FORCE_WAKEUP;
}

/* Names from the file up to the root of its mount tree. */
static __always_inline void tell_path(struct exec_room *room, struct file *file)
{
  struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
  struct path_walk walk = {
      .room = room,
      .dentry = BPF_CORE_READ(file, f_path.dentry),
      .mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt),
  };

  bpf_loop(PATH_NAMES_MAX, path_step, &walk, 0);
  room->event.path_bytes = walk.used;
}

static __always_inline void tell_exe(struct exec_room *room, struct mm_struct *mm)
{
  struct file *file = BPF_CORE_READ(mm, exe_file);
  struct inode *inode = BPF_CORE_READ(file, f_inode);

  room->event.exe_inode = BPF_CORE_READ(inode, i_ino);
  room->event.exe_device = BPF_CORE_READ(inode, i_sb, s_dev);
  room->event.exe_links = BPF_CORE_READ(inode, i_nlink);
  tell_path(room, file);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
  __u32 zero = 0, used, wanted;
  struct exec_room *room = bpf_map_lookup_elem(&exec_rooms, &zero);
  struct mm_struct *mm = task->mm;
  __u64 start, end;

  if (!room || !mm)
    return 0;
  room->event.header.at_ns = bpf_ktime_get_boot_ns();
  room->event.header.kind = EVENT_PROCESS_EXECUTED;
  room->event.header.network_namespace = 0;
  tell_task(&room->event.task, task);
  tell_exe(room, mm);
  room->event.cgroup = bpf_get_current_cgroup_id();
  start = mm->arg_start;
  end = mm->arg_end;
  wanted = end - start;
  room->event.arguments_total = wanted;
  if (wanted > EVENT_ARGUMENTS_MAX - 1)
    wanted = EVENT_ARGUMENTS_MAX - 1;
  used = room->event.path_bytes;
  if (used > EVENT_PATH_MAX)
    return 0;
  if (bpf_probe_read_user(room->strings + used, wanted & (EVENT_ARGUMENTS_MAX - 1), (void *)start))
    wanted = 0;
  room->event.arguments_bytes = wanted;
  used += wanted;
  if (used > sizeof(room->strings))
    return 0;
  if (bpf_ringbuf_output(&ring, room, sizeof(room->event) + used,
                         wakeup_for_program(sizeof(room->event) + used)))
    count_lost(EVENT_PROCESS_EXECUTED);
  return 0;
}

static __always_inline int process_event(struct task_struct *task, __u32 kind)
{
  struct event_process *event = event_begin(kind, sizeof(*event));

  if (!event)
    return 0;
  tell_task(&event->task, task);
  event_end(event);
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
  if (child->pid != child->tgid)
    return 0; /* a thread */
  return process_event(child, EVENT_PROCESS_FORKED);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
  if (task->pid != task->tgid)
    return 0;
  return process_event(task, EVENT_PROCESS_EXITED);
}

/* --- which descriptors are sockets --------------------------------------------------------------
 */

SEC("iter/task_file")
int on_task_file(struct bpf_iter__task_file *context)
{
  struct seq_file *out = context->meta->seq;
  struct task_struct *task = context->task;
  struct file *file = context->file;
  struct socket_descriptor found;

  if (!task || !file || task->pid != task->tgid)
    return 0;
  if ((BPF_CORE_READ(file, f_inode, i_mode) & 0170000) != 0140000) /* S_ISSOCK */
    return 0;
  if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != 0x534f434b) /* a path of a UNIX socket */
    return 0;
  found.pid = task->tgid;
  found.descriptor = context->fd;
  found.inode = BPF_CORE_READ(file, f_inode, i_ino);
  bpf_seq_write(out, &found, sizeof(found));
  return 0;
}
