/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types as far as netrec's programs look into them. CO-RE finds the members in the
 * running kernel by name, so only names and types matter here, not places; building needs no BTF
 * and no kernel headers. Refused: a generated vmlinux.h (135 000 lines of one machine's kernel).
 */
#ifndef NETREC_BPF_KERNEL_H
#define NETREC_BPF_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;
typedef _Bool bool;
enum { false, true };
typedef int pid_t;

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_PERCPU_ARRAY 6
#define BPF_MAP_TYPE_LRU_HASH 9
#define BPF_MAP_TYPE_SK_STORAGE 24
#define BPF_MAP_TYPE_RINGBUF 27
#define BPF_ANY 0
#define BPF_NOEXIST 1
#define BPF_RB_NO_WAKEUP 1
#define BPF_RB_FORCE_WAKEUP 2
#define BPF_RB_AVAIL_DATA 0
#define BPF_F_NO_PREALLOC 1
#define BPF_SK_STORAGE_GET_F_CREATE 1

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_FIN_WAIT2 5
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define SOCK_STREAM 1
#define UNIX_PATH_MAX 108
#define SOCK_DONE 1 /* enum sock_flags */
#define SOCK_PACKET 10
#define MSG_PEEK 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define DNS_PORT 53

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
  union {
    __u8 u6_addr8[16];
  } in6_u;
};

struct ns_common {
  unsigned int inum;
};

struct hlist_nulls_node {
  struct hlist_nulls_node *next;
};

struct hlist_nulls_head {
  struct hlist_nulls_node *first;
};

struct inet_ehash_bucket {
  struct hlist_nulls_head chain;
};

struct inet_hashinfo {
  struct inet_ehash_bucket *ehash;
  unsigned int ehash_mask;
  bool pernet; /* since Linux 6.1 */
};

struct inet_timewait_death_row {
  struct inet_hashinfo *hashinfo;
};

struct netns_ipv4 {
  struct inet_timewait_death_row tcp_death_row;
};

struct net {
  struct ns_common ns;
  struct netns_ipv4 ipv4;
};

struct nsproxy {
  struct net *net_ns;
};

typedef struct {
  struct net *net;
} possible_net_t;

typedef struct {
  __s64 counter;
} atomic64_t;

struct sock_common {
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  __be16 skc_dport;
  __u16 skc_num;
  unsigned short skc_family;
  volatile unsigned char skc_state;
  int skc_bound_dev_if;
  possible_net_t skc_net;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
  atomic64_t skc_cookie;
  unsigned long skc_flags;
  struct hlist_nulls_node skc_nulls_node;
};

typedef struct {
  unsigned int val;
} kuid_t;

struct sock {
  struct sock_common __sk_common;
  struct socket *sk_socket;
  int sk_err;
  u32 sk_mark;
  kuid_t sk_uid;
  __u16 sk_type;
  __u16 sk_protocol;
};

struct inet_sock {
  struct sock sk;
  __be32 inet_saddr;
  __be16 inet_sport;
};

struct inet_connection_sock {
  struct inet_sock icsk_inet;
};

struct net_device {
  int ifindex;
};

struct sk_buff {
  struct sock *sk;
  struct net_device *dev;
  unsigned int len;
  __be16 protocol;
  __u16 network_header;
  unsigned char *head;
};

struct packet_sock {
  struct sock sk;
  unsigned long flags;
  int ifindex;
  __be16 num;
};

/* Since Linux 6.4; before, a bit field whose place is not known. */
enum packet_sock_flags {
  PACKET_SOCK_QDISC_BYPASS = 6,
};

struct minmax_sample {
  u32 t;
  u32 v;
};

struct minmax {
  struct minmax_sample s[3];
};

struct tcp_sock {
  struct inet_connection_sock inet_conn;
  u32 rcv_nxt;
  u32 copied_seq;
  u32 write_seq;
  u32 snd_una;
  u32 snd_cwnd;
  u32 mdev_us;
  u32 segs_out;
  u32 data_segs_out;
  u32 segs_in;
  u32 data_segs_in;
  u64 bytes_sent;
  u64 bytes_acked;
  u64 bytes_received;
  u64 bytes_retrans;
  u32 total_retrans;
  u32 srtt_us;
  u32 delivered;
  struct minmax rtt_min;
};

struct timer_list {
  unsigned long expires;
  void (*function)(struct timer_list *);
};

struct inet_timewait_sock {
  struct sock_common __tw_common;
  volatile unsigned char tw_substate;
  __be16 tw_sport;
  struct timer_list tw_timer;
};

struct qstr {
  u32 len;
  const unsigned char *name;
};

struct inode {
  unsigned short i_mode;
  unsigned long i_ino;
  struct super_block *i_sb;
  unsigned int i_nlink;
};

struct super_block {
  unsigned int s_dev;
  unsigned long s_magic;
};

struct dentry {
  struct dentry *d_parent;
  struct qstr d_name;
};

struct vfsmount {
  struct dentry *mnt_root;
};

struct mount {
  struct mount *mnt_parent;
  struct dentry *mnt_mountpoint;
  struct vfsmount mnt;
};

struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};

typedef struct {
  int counter;
} atomic_t;

/* Since Linux 6.13: 0 stands for one reference. */
typedef struct {
  atomic64_t refcnt;
} file_ref_t;

struct file {
  struct path f_path;
  struct inode *f_inode;
  void *private_data;
  file_ref_t f_ref;
};

struct file___before_6_13 {
  atomic64_t f_count;
};

struct socket {
  struct file *file;
  struct sock *sk;
};

struct socket_alloc {
  struct socket socket;
  struct inode vfs_inode;
};

struct fdtable {
  unsigned int max_fds;
  struct file **fd;
  unsigned long *open_fds;
};

struct files_struct {
  atomic_t count;
  struct fdtable *fdt;
};

struct sockaddr_un {
  unsigned short sun_family;
  char sun_path[UNIX_PATH_MAX];
};

struct unix_address {
  int len; /* of the name, its family included */
  struct sockaddr_un name[0];
};

struct unix_sock {
  struct sock sk;
  struct unix_address *addr;
  struct sock *peer;
};

struct io_kiocb {
  u8 opcode;
};

struct io_accept {
  u32 file_slot;
};

struct io_rsrc_node {
  unsigned long file_ptr;
};

struct io_rsrc_data {
  unsigned int nr;
  struct io_rsrc_node **nodes;
};

struct io_file_table {
  struct io_rsrc_data data;
};

struct io_ring_ctx {
  struct io_file_table file_table;
};

struct io_uring_cqe {
  __s32 res;
  __u32 flags;
};

struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
  struct file *exe_file;
};

struct cred {
  kuid_t uid;
  kuid_t euid;
};

struct task_struct {
  pid_t pid;
  pid_t tgid;
  struct task_struct *group_leader;
  struct task_struct *real_parent;
  u64 start_boottime;
  struct mm_struct *mm;
  const struct cred *cred;
  struct files_struct *files;
  struct nsproxy *nsproxy;
  char comm[16];
};

struct pt_regs {
#if defined(__TARGET_ARCH_x86)
  unsigned long di;
  unsigned long si;
  unsigned long dx;
  unsigned long r10;
  unsigned long ax;
  unsigned long orig_ax;
#elif defined(__TARGET_ARCH_arm64)
  u64 regs[31];
  u64 orig_x0;
  __s32 syscallno;
#endif
};

struct seq_file;

struct bpf_iter_meta {
  struct seq_file *seq;
};

struct bpf_iter__task_file {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
  u32 fd;
  struct file *file;
};

#pragma clang attribute pop

/* What programs of a cgroup are given (include/uapi/linux/bpf.h): an ABI, not the kernel's own. */
struct bpf_sock {
  __u32 bound_dev_if;
  __u32 family;
  __u32 type;
  __u32 protocol;
  __u32 mark;
  __u32 priority;
  __u32 src_ip4;
  __u32 src_ip6[4];
  __u32 src_port; /* host order */
  __be16 dst_port;
  __u16 : 16;
  __u32 dst_ip4;
  __u32 dst_ip6[4];
  __u32 state;
  __s32 rx_queue_mapping;
};

struct __sk_buff {
  __u32 len;
  __u32 pkt_type;
  __u32 mark;
  __u32 queue_mapping;
  __u32 protocol;
  __u32 vlan_present;
  __u32 vlan_tci;
  __u32 vlan_proto;
  __u32 priority;
  __u32 ingress_ifindex;
  __u32 ifindex;
  __u32 tc_index;
  __u32 cb[5];
  __u32 hash;
  __u32 tc_classid;
  __u32 data;
  __u32 data_end;
  __u32 napi_id;
  __u32 family;
  __u32 remote_ip4;
  __u32 local_ip4;
  __u32 remote_ip6[4];
  __u32 local_ip6[4];
  __u32 remote_port;
  __u32 local_port;
  __u32 data_meta;
  __u64 flow_keys;
  __u64 tstamp;
  __u32 wire_len;
  __u32 gso_segs;
  struct bpf_sock *sk;
  __u32 gso_size;
};

#endif /* NETREC_BPF_KERNEL_H */
