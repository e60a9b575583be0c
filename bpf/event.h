/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the eBPF programs of netrec tell: the one header they share with recorder/.
 *
 * Every record in the ring begins with an event_header. Times are CLOCK_BOOTTIME in nanoseconds
 * where the kernel has that helper. A socket is known by its cookie, a process by its pid in the
 * first pid namespace and the time it was started.
 *
 * Records are fixed in size (but for event_exec's strings) and hold no pointers; the reader checks
 * their size against their kind before it looks further.
 */
#ifndef NETREC_BPF_EVENT_H
#define NETREC_BPF_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* The reader of the ring is woken each time this much has gathered in it; a power of two. */
#define RING_STEP (256 << 10)

enum event_kind {
  EVENT_NONE,
  EVENT_SOCKET_IDENTIFIED,  /* event_socket: entered a state in which both ends are told anew */
  EVENT_SOCKET_CHANGED,     /* event_transition: another state, nothing else told */
  EVENT_SOCKET_CLOSED,      /* event_closed */
  EVENT_SOCKET_ACCEPTED,    /* event_accepted: who holds it */
  EVENT_CONNECT_FAILED,     /* event_connect_failed: connect(2) said no */
  EVENT_TIME_WAIT,          /* event_time_wait: began, or began anew */
  EVENT_TIME_WAIT_ENDED,    /* event_time_wait */
  EVENT_PROCESS_FORKED,     /* event_process */
  EVENT_PROCESS_EXECUTED,   /* event_exec */
  EVENT_PROCESS_EXITED,     /* event_process */
  EVENT_DATAGRAM_OPENED,    /* event_datagram_socket */
  EVENT_DATAGRAM_CLOSED,    /* event_datagram_socket */
  EVENT_DNS,                /* event_dns */
  EVENT_PACKET_SOCKET_USED, /* event_datagram_socket: by whom; the socket may be known already */
  EVENT_UNIX_CONNECTED,     /* event_unix: connect(2) or socketpair(2) returned */
  EVENT_UNIX_ACCEPTED,      /* event_unix */
  EVENT_UNIX_LISTENING,     /* event_unix */
  EVENT_UNIX_FAILED,        /* event_unix: connect(2) said no */
  EVENT_UNIX_LEFT,          /* event_unix_left: a descriptor of it goes */
  EVENT_KINDS,
};

struct event_header {
  __u64 at_ns;
  __u32 kind;
  __u32 network_namespace; /* inode; 0: not a matter of one */
};

/* A program run, as far as `current` tells it. */
struct event_task {
  __u64 start_ns; /* of the thread group's leader, CLOCK_BOOTTIME */
  __u64 parent_start_ns;
  __u32 pid; /* thread group; 0: not this event's to tell */
  __u32 parent_pid;
  __u32 uid;
  __u32 effective_uid;
  char comm[16];
};

struct event_ends {
  __u8 local[16]; /* network order; IPv4 in the first four bytes */
  __u8 remote[16];
  __u16 local_port; /* host order; 0: not chosen yet */
  __u16 remote_port;
  __u16 family;
  __u16 protocol;
};

struct event_transition {
  struct event_header header;
  __u64 cookie;
  __u8 old_state; /* TCP_ESTABLISHED = 1 … */
  __u8 new_state;
  __u16 error; /* sk_err */
  __u32 uid;   /* of the socket */
};

struct event_socket {
  struct event_transition transition;
  struct event_ends ends;
  struct event_task task; /* of the caller where the caller is the owner, else pid 0 */
  __u64 inode;            /* 0: nobody has accepted it yet */
  __u32 mark;
  __s32 descriptor; /* -1: not known */
  __u32 interface;  /* bound to */
  __u32 rtt_us;
};

/* The last word on a connection. */
struct event_totals {
  __u64 bytes_sent;
  __u64 bytes_acked;
  __u64 bytes_received;
  __u64 bytes_retransmitted;
  __u32 segments_out;
  __u32 segments_in;
  __u32 data_segments_out;
  __u32 data_segments_in;
  __u32 total_retransmits;
  __u32 rtt_us;
  __u32 rtt_variance_us;
  __u32 min_rtt_us;
  __u32 congestion_window;
  __u32 delivered;
};

struct event_closed {
  struct event_transition transition;
  struct event_ends ends;
  struct event_totals totals;
};

struct event_accepted {
  struct event_header header;
  __u64 cookie;
  __u64 inode;
  struct event_task task;
  __s32 descriptor;  /* -1: it has none */
  __u32 only_holder; /* 1: that it was accepted now is not sure, only that `task` has it */
};

struct event_connect_failed {
  struct event_header header;
  __u64 cookie; /* 0: it never came so far as to get one */
  __u64 inode;
  struct event_ends ends; /* local: what it was bound to */
  struct event_task task;
  __s32 descriptor;
  __u32 error;
};

struct event_time_wait {
  struct event_header header;
  __u64 cookie;
  struct event_ends ends;
  __u32 state;      /* TIME_WAIT, or FIN_WAIT2 where only the stand-in of the socket is left */
  __u32 expires_ms; /* from now; 0 when it ended */
};

struct event_process {
  struct event_header header;
  struct event_task task;
};

/* Strings follow: first the path of the executable, then the command line. */
#define EVENT_PATH_MAX 1024
#define EVENT_ARGUMENTS_MAX 4096

struct event_exec {
  struct event_header header;
  struct event_task task;
  __u64 exe_inode;
  __u64 cgroup;          /* id of the v2 cgroup: its directory's inode */
  __u32 exe_device;      /* dev_t as the kernel keeps it: major << 20 | minor */
  __u32 exe_links;       /* 0: deleted */
  __u32 arguments_total; /* bytes there are; `arguments_bytes` of them follow */
  __u16 path_bytes;      /* names from the file up to the root, each ended by a NUL */
  __u16 arguments_bytes;
};

/* A UDP, raw or ICMP socket was made or let go, a packet socket used, by whom. */
struct event_datagram_socket {
  struct event_header header;
  __u64 cookie;
  struct event_task task;
  __u16 family;
  __u16 type;
  __u16 protocol;
  __u16 reserved;
};

/* What one socket exchanged with one peer since the last reading. */
struct peer_key {
  __u64 cookie;
  __u8 remote[16];
  __u16 remote_port;
  __u16 family;
  __u16 protocol;    /* of IP; of packet sockets: the ethertype */
  __u16 socket_type; /* SOCK_PACKET: a packet socket, whatever its type */
};

struct peer_counts {
  __u64 first_ns;
  __u64 last_ns;
  __u64 packets_sent;
  __u64 packets_received;
  __u64 bytes_sent; /* behind the transport's header */
  __u64 bytes_received;
  __u8 local[16];
  __u32 interface;
  __u16 local_port;
  __u16 reserved;
};

/* A DNS message as it came in; `bytes` of it follow. Over TCP it begins with its length. */
#define EVENT_DNS_MAX 1024

struct event_dns {
  struct event_header header;
  __u64 cookie; /* of the socket that received it */
  __u32 bytes;
  __u32 over_tcp;
};

/* A name as the kernel keeps it: a path, or a NUL and what follows; it need not end in a NUL. */
#define EVENT_UNIX_NAME_MAX 108

/* A UNIX socket, by whoever called. The kernel gives it a cookie only when somebody asks for it. */
struct event_unix {
  struct event_header header;
  __u64 cookie; /* 0: it has none yet */
  struct event_task task;
  __u32 inode;
  __u32 peer_inode; /* 0: nobody has accepted it yet, or there is none */
  __s32 descriptor;
  __u32 uid; /* of the socket */
  __u16 type;
  __u16 error;
  __u16 name_bytes;
  __u16 remote_name_bytes;
  char name[EVENT_UNIX_NAME_MAX];
  char remote_name[EVENT_UNIX_NAME_MAX]; /* what was connected to */
};

/* A program lets go of a descriptor of a UNIX socket, which ends with the last of them. */
struct event_unix_left {
  struct event_header header;
  __u32 pid;
  __u32 inode;
  __u32 references; /* to the open file, this one included */
  __u32 exits;      /* 1: the program ends, and all it holds goes at once */
};

/* What the iterator over all descriptors writes. */
struct socket_descriptor {
  __u32 pid;
  __u32 descriptor;
  __u64 inode;
};

/* How many TCP sockets one run of the glance shows, and among how many places of the table. */
#define GLANCES_MAX 1024
#define GLANCE_PLACES (16 << 10)

/* What tells whether a TCP socket is as it was; of what has no counters they are 0. */
struct tcp_glance {
  __u64 cookie; /* 0: nobody asked for it yet */
  struct event_ends ends;
  __u32 network_namespace; /* inode */
  __u32 interface;         /* bound to */
  __u32 segments_in;
  __u32 segments_out;
  __u32 receive_queue;
  __u32 send_queue;
  __u32 state;
  __u32 is_stand_in; /* a TIME_WAIT, or a FIN_WAIT2 whose socket was let go */
};

#endif /* NETREC_BPF_EVENT_H */
