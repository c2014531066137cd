/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Takes off what ipip has put in front of a packet: the real server's end of the tunnel, for tests
 * on kernels without ipip. Attached at TC ingress by test/helpers/decapsulator-host.ts; no part of
 * the product.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#include "bpf-helpers.h"

#define PASS -1
/* Newer than the headers of some compilers (Linux 6.2). */
#define DECAPSULATES_IPV4 (1ull << 7)
#define DECAPSULATES_IPV6 (1ull << 8)

INLINE int take_off(struct __sk_buff *skb, __u8 next, const int bytes)
{
	__u64 flags = 0;

	if (next == IPPROTO_IPIP)
		flags = DECAPSULATES_IPV4;
	else if (next == IPPROTO_IPV6)
		flags = DECAPSULATES_IPV6;
	else
		return PASS;
	bpf_skb_adjust_room(skb, -bytes, BPF_ADJ_ROOM_MAC, flags);
	return PASS;
}

SECTION("tc_ingress") int decapsulate(struct __sk_buff *skb)
{
	__u8 next = 0;

	if (skb->protocol == be16(ETH_P_IP)) {
		bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &next, 1);
		return take_off(skb, next, sizeof(struct iphdr));
	}
	if (skb->protocol == be16(ETH_P_IPV6)) {
		bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &next, 1);
		return take_off(skb, next, sizeof(struct ipv6hdr));
	}
	return PASS;
}

char object_license[] SECTION("license") = "Dual BSD/GPL";
