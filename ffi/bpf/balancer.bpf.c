/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * The balancer: takes packets of virtual services at TC ingress and sends them on to a real server,
 * by direct routing (gate), a tunnel (ipip) or address translation (masq), and translates the
 * answers of masq back.
 * Attached by src/datapath/bpf, behind the fence. A packet that is not ours goes to the next program
 * and up the stack (TCX_NEXT and TC_ACT_UNSPEC are both -1).
 *
 * Packets are read by bpf_skb_load_bytes and changed by bpf_skb_store_bytes, so they may be in any
 * number of pieces. Neighbours are the kernel's work: bpf_redirect_neigh. Every packet that is sent
 * on has its TTL lowered, so that two directors that name each other end the game.
 *
 * One source for both families: `const int six` is folded by the compiler.
 *
 *     balancer-maps        what is shared with src/datapath/bpf
 *     balancer-packet      a packet, its drop, its lease
 *     balancer-connection  tables of connections
 *     balancer-schedule    which real server
 *     balancer-rewrite     headers and their checksums
 *     balancer-size        packets that are too large
 *     balancer-send        gate, ipip, masq
 *     balancer-client      packets of clients
 *     balancer-answer      packets of real servers of masq
 *     balancer-error       ICMP errors
 *     balancer-fragment    fragments
 */
#include "balancer-client.h"
#include "balancer-error.h"
#include "balancer-fragment.h"

/* The first words of UDP, or of TCP up to its flags. */
#define TRANSPORT_WORDS 7

INLINE void note_transport(struct packet *packet, const __u16 *words)
{
	packet->ports[0] = words[0];
	packet->ports[1] = words[1];
	packet->transport_bytes = UDP_BYTES;
	if (packet->protocol == IPPROTO_TCP) {
		packet->tcp_flags = words[6] >> 8;
		packet->transport_bytes = (words[6] & 0xf0) >> 2;
	}
}

/* Ports, and the flags of TCP. Not 0 if there are none. */
INLINE int read_transport(struct __sk_buff *skb, struct packet *packet)
{
	const __u32 at = ETH_HLEN + packet->header_bytes;
	__u16 words[TRANSPORT_WORDS] = {};

	if (packet->protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, at, words, sizeof(words)))
			return -1;
	} else if (packet->protocol == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, at, words, UDP_BYTES))
			return -1;
	} else {
		return -1;
	}
	note_transport(packet, words);
	return 0;
}

/* Both headers, where there are no options. */
struct head4 {
	struct iphdr ip;
	__u16 words[TRANSPORT_WORDS];
};

/* Reads both headers at once where there are no options and they are in one piece: nearly always. */
INLINE int take_ipv4(struct __sk_buff *skb, struct packet *packet)
{
	const void *data = (void *)(long)skb->data;
	const struct head4 *head = data + ETH_HLEN;
	const int is_whole = (const void *)(head + 1) <= (void *)(long)skb->data_end;
	struct iphdr *ip = &packet->ip;

	if (is_whole)
		*ip = head->ip;
	else if (bpf_skb_load_bytes(skb, ETH_HLEN, ip, sizeof(*ip)))
		return PASS;
	if (ip->version != 4 || ip->ihl < 5)
		return PASS;
	packet->source.words[0] = ip->saddr;
	packet->destination.words[0] = ip->daddr;
	packet->header_bytes = ip->ihl * 4;
	packet->protocol = ip->protocol;
	packet->ttl = ip->ttl;
	packet->traffic_class = ip->tos;
	packet->has_more = (ip->frag_off & FRAGMENT_MORE) != 0;
	packet->fragment_id = ip->id;
	if (ip->frag_off & FRAGMENT_OFFSET)
		return balance_fragment(skb, packet, 0);
	if (ip->protocol == IPPROTO_ICMP)
		return balance_error(skb, packet, 0);
	if (is_whole && ip->ihl == 5 &&
	    (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP))
		note_transport(packet, head->words);
	else if (read_transport(skb, packet))
		return PASS;
	return balance(skb, packet, 0);
}

struct head6 {
	struct ipv6hdr ip;
	__u16 words[TRANSPORT_WORDS];
};

struct fragment_header {
	__u8 next, reserved;
	__u16 offset;
	__u32 id;
};
#define FRAGMENT6 44
#define FRAGMENT6_OFFSET be16(0xfff8)
#define FRAGMENT6_MORE be16(1)

/* Extension headers but that of fragments are not looked through: such packets go up the stack. */
INLINE int take_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	const void *data = (void *)(long)skb->data;
	const struct head6 *head = data + ETH_HLEN;
	const int is_whole = (const void *)(head + 1) <= (const void *)(long)skb->data_end;
	struct fragment_header part;
	struct ipv6hdr ip;

	if (is_whole)
		ip = head->ip;
	else if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return PASS;
	if (ip.version != 6)
		return PASS;
	__builtin_memcpy(&packet->source, &ip.saddr, 16);
	__builtin_memcpy(&packet->destination, &ip.daddr, 16);
	packet->header_bytes = sizeof(ip);
	packet->protocol = ip.nexthdr;
	packet->ttl = ip.hop_limit;
	packet->traffic_class = ip.priority << 4 | ip.flow_lbl[0] >> 4;
	if (ip.nexthdr == ICMPV6)
		return balance_error(skb, packet, 1);
	if (ip.nexthdr == FRAGMENT6) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), &part, sizeof(part)))
			return PASS;
		packet->header_bytes = sizeof(ip) + sizeof(part);
		packet->protocol = part.next;
		packet->fragment_id = part.id;
		packet->has_more = (part.offset & FRAGMENT6_MORE) != 0;
		if (part.offset & FRAGMENT6_OFFSET)
			return balance_fragment(skb, packet, 1);
	}
	if (is_whole && (ip.nexthdr == IPPROTO_TCP || ip.nexthdr == IPPROTO_UDP))
		note_transport(packet, head->words);
	else if (read_transport(skb, packet))
		return PASS;
	return balance(skb, packet, 1);
}

INLINE int take(struct __sk_buff *skb, const int six)
{
	struct packet packet = {};
	int verdict = six ? take_ipv6(skb, &packet) : take_ipv4(skb, &packet);

	/* The verifier cannot know that the one means the other. */
	if (verdict == FORWARD && packet.server)
		verdict = forward(skb, &packet, six);
	return verdict == TOO_BIG ? refuse_size(skb, &packet, six) : verdict;
}

SECTION("tc_ingress") int balance_ingress(struct __sk_buff *skb)
{
	switch (skb->protocol) {
	case be16(ETH_P_IP):
		return take(skb, 0);
	case be16(ETH_P_IPV6):
		return take(skb, 1);
	default:
		return PASS;
	}
}

char object_license[] SECTION("license") = "Dual BSD/GPL";
