/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * What the programs of this folder share: helper functions by their numbers in enum bpf_func_id
 * (linux/bpf.h), and the declaration of a map as src/bpf/object.ts reads it.
 */
#ifndef APPLIANCE_BPF_HELPERS_H
#define APPLIANCE_BPF_HELPERS_H

#include <linux/bpf.h>
#include <linux/types.h>

#define SECTION(name) __attribute__((section(name), used))
#define INLINE static __attribute__((always_inline)) inline

/* Both architectures of the product are little-endian. */
#define be16(value) __builtin_bswap16(value)
#define be32(value) __builtin_bswap32(value)

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static __u64 (*bpf_ktime_get_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
/* Reads relative to the MAC (0) or network (1) header: right with and without an Ethernet header,
 * and for packets that are not in one piece. */
static long (*bpf_skb_load_bytes_relative)(const void *skb, __u32 offset, void *to, __u32 bytes,
					   __u32 start) = (void *)BPF_FUNC_skb_load_bytes_relative;

/* Marked: a program that needs none of these still includes them. */
#define HELPER static __attribute__((unused))
HELPER long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) =
	(void *)BPF_FUNC_map_update_elem;
/* The clock of the last tick: a few ms late, and cheap. */
HELPER __u64 (*bpf_ktime_get_coarse_ns)(void) = (void *)BPF_FUNC_ktime_get_coarse_ns;
/* Interrupts of the timer: a load from memory, no call. */
HELPER __u64 (*bpf_jiffies64)(void) = (void *)BPF_FUNC_jiffies64;
HELPER long (*bpf_skb_load_bytes)(const void *skb, __u32 offset, void *to, __u32 bytes) =
	(void *)BPF_FUNC_skb_load_bytes;
HELPER long (*bpf_skb_store_bytes)(void *skb, __u32 offset, const void *from, __u32 bytes,
				   __u64 flags) = (void *)BPF_FUNC_skb_store_bytes;
/* Right for checksums that the device has yet to fill in, too. */
HELPER long (*bpf_l4_csum_replace)(void *skb, __u32 offset, __u64 from, __u64 to, __u64 flags) =
	(void *)BPF_FUNC_l4_csum_replace;
HELPER long (*bpf_l3_csum_replace)(void *skb, __u32 offset, __u64 from, __u64 to, __u64 flags) =
	(void *)BPF_FUNC_l3_csum_replace;
/* The socket of a connection, a request for one, or the listener; to be given back. */
HELPER struct bpf_sock *(*bpf_skc_lookup_tcp)(void *skb, struct bpf_sock_tuple *tuple, __u32 bytes,
					      __u64 netns, __u64 flags) =
	(void *)BPF_FUNC_skc_lookup_tcp;
/* 0 if a packet acknowledges a SYN cookie of this listener. */
HELPER long (*bpf_tcp_check_syncookie)(void *listener, const void *ip, __u32 ip_bytes,
				       const void *tcp, __u32 tcp_bytes) =
	(void *)BPF_FUNC_tcp_check_syncookie;
HELPER long (*bpf_sk_release)(void *socket) = (void *)BPF_FUNC_sk_release;
HELPER long (*bpf_redirect_neigh)(__u32 device, struct bpf_redir_neigh *hop, int bytes,
				  __u64 flags) = (void *)BPF_FUNC_redirect_neigh;
HELPER long (*bpf_fib_lookup)(void *skb, struct bpf_fib_lookup *route, int bytes, __u32 flags) =
	(void *)BPF_FUNC_fib_lookup;

HELPER long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)BPF_FUNC_map_delete_elem;
/* Checksum over what is taken out and put in; lengths are multiples of four. */
HELPER __s64 (*bpf_csum_diff)(const void *from, __u32 from_bytes, const void *to, __u32 to_bytes,
			      __u32 seed) = (void *)BPF_FUNC_csum_diff;
HELPER long (*bpf_skb_adjust_room)(void *skb, __s32 bytes, __u32 mode, __u64 flags) =
	(void *)BPF_FUNC_skb_adjust_room;
HELPER long (*bpf_skb_change_tail)(void *skb, __u32 bytes, __u64 flags) =
	(void *)BPF_FUNC_skb_change_tail;
HELPER long (*bpf_check_mtu)(void *skb, __u32 device, __u32 *mtu, __s32 difference, __u64 flags) =
	(void *)BPF_FUNC_check_mtu;

HELPER long (*bpf_ringbuf_output)(void *ring, const void *data, __u64 bytes, __u64 flags) =
	(void *)BPF_FUNC_ringbuf_output;

/* One map: five numbers in the section "maps_def", read by src/bpf/object.ts. */
struct map_definition {
	__u32 type;
	__u32 key_bytes;
	__u32 value_bytes;
	__u32 entries_max;
	__u32 flags;
};

#define MAP(name, type, key_bytes, value_bytes, entries_max, flags) \
	struct map_definition SECTION("maps_def") name = {type, key_bytes, value_bytes, entries_max, flags}

#endif
