/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System call numbers and arguments, for the two architectures netrec is built for. The verifier
 * knows the registers' type wherever they are looked at, so they are read without a helper's call:
 * every return of every system call passes here.
 */
#ifndef NETREC_BPF_SYSCALL_H
#define NETREC_BPF_SYSCALL_H

#include "bpf/kernel.h"

#if defined(__TARGET_ARCH_x86)
#define SYSCALL_CLOSE 3
#define SYSCALL_DUP2 33
#define SYSCALL_CONNECT 42
#define SYSCALL_ACCEPT 43
#define SYSCALL_LISTEN 50
#define SYSCALL_SOCKETPAIR 53
#define SYSCALL_ACCEPT4 288
#define SYSCALL_DUP3 292
#define SYSCALL_NUMBER(regs) ((long)(regs)->orig_ax)
#define SYSCALL_FIRST(regs) ((regs)->di)
#define SYSCALL_SECOND(regs) ((regs)->si)
#define SYSCALL_THIRD(regs) ((regs)->dx)
#define SYSCALL_FOURTH(regs) ((regs)->r10)
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_DUP2 (-2) /* there is none */
#define SYSCALL_DUP3 24
#define SYSCALL_CLOSE 57
#define SYSCALL_SOCKETPAIR 199
#define SYSCALL_LISTEN 201
#define SYSCALL_ACCEPT 202
#define SYSCALL_CONNECT 203
#define SYSCALL_ACCEPT4 242
#define SYSCALL_NUMBER(regs) ((long)(regs)->syscallno)
#define SYSCALL_FIRST(regs) ((regs)->orig_x0)
#define SYSCALL_SECOND(regs) ((regs)->regs[1])
#define SYSCALL_THIRD(regs) ((regs)->regs[2])
#define SYSCALL_FOURTH(regs) ((regs)->regs[3])
#else
#error "netrec's eBPF programs know x86 and arm64"
#endif
#define SYSCALL_CLOSE_RANGE 436 /* on every architecture */

#endif /* NETREC_BPF_SYSCALL_H */
