/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Maps of the path of `vip` checks. Layout in src/vip-path/layout.ts.
 */
#ifndef APPLIANCE_VIP_PATH_H
#define APPLIANCE_VIP_PATH_H

#include "bpf-helpers.h"

/* Marks of the sockets of such checks; the rest of the bits is the number of a path. */
#define MARK 0x41500000
#define MARK_MASK 0xfff00000

/* Checks that run at once (checksMax in src/daemon/parts.ts), of a director and of a doctor. */
#define PATHS_MAX 1024
/* What an ended check leaves makes room for the next ones. */
#define ANSWERS_MAX 4096

#define METHOD_GATE 0
#define METHOD_IPIP 1
#define METHOD_MASQ 2

/* What one check does to its packets. IPv4 addresses are the first word. */
struct path {
	__u32 server[4];
	/* gate, ipip: the virtual address; masq: the address that stands for a client's. */
	__u32 other[4];
	__u32 family; /* 4 or 6 */
	__u32 method;
};
MAP(paths, BPF_MAP_TYPE_HASH, 4, sizeof(struct path), PATHS_MAX, 0); /* mark -> path */

/* Whose answers come to a port of ours. */
struct answer_key {
	__u32 source[4];
	__u16 source_port, own_port; /* network order */
};
/* An answer belongs to a check as long as there is its path. */
struct answer {
	__u32 mark;
	__u32 own[4]; /* the address that the socket has */
};
MAP(answers, BPF_MAP_TYPE_LRU_HASH, sizeof(struct answer_key), sizeof(struct answer), ANSWERS_MAX, 0);

#endif
