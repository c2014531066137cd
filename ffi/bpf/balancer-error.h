/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * ICMP errors about packets of connections: they reach who has sent those, in its own terms.
 */
#ifndef APPLIANCE_BALANCER_ERROR_H
#define APPLIANCE_BALANCER_ERROR_H

#include "balancer-answer.h"

/* An error, and the packet that it quotes. */
struct icmp_error {
	struct packet quoted;
	__u32 at;        /* of ICMP */
	__u32 quoted_at; /* of the IP header within */
	__u32 value;     /* in network order: the largest size, of "too big" */
	__u8 type, code;
};

/* What is looked at for one error, one a processor: too much for the stack. */
struct error_work {
	struct icmp_error error;
	struct packet back; /* in the direction opposite to the quoted one */
	struct reply name;
};
MAP(error_work, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct error_work), 1, 0);

/* The header at `at`, and the ports behind it. */
INLINE int read_quoted(struct __sk_buff *skb, __u32 at, struct packet *quoted, const int six)
{
	if (six) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.version != 6)
			return -1;
		__builtin_memcpy(&quoted->source, &ip.saddr, 16);
		__builtin_memcpy(&quoted->destination, &ip.daddr, 16);
		quoted->header_bytes = sizeof(ip);
		quoted->protocol = ip.nexthdr;
	} else {
		struct iphdr *ip = &quoted->ip;

		if (bpf_skb_load_bytes(skb, at, ip, sizeof(*ip)) || ip->version != 4 || ip->ihl < 5)
			return -1;
		quoted->source.words[0] = ip->saddr;
		quoted->destination.words[0] = ip->daddr;
		quoted->header_bytes = ip->ihl * 4;
		quoted->protocol = ip->protocol;
	}
	if (quoted->protocol == (six ? IPPROTO_IPV6 : IPPROTO_IPIP))
		return 0;
	if (quoted->protocol != IPPROTO_TCP && quoted->protocol != IPPROTO_UDP)
		return -1;
	return bpf_skb_load_bytes(skb, at + quoted->header_bytes, quoted->ports, PORTS_BYTES);
}

/* Not 0 if it is none that could be ours. */
INLINE int read_error(struct __sk_buff *skb, const struct packet *packet, struct icmp_error *error,
		      const int six)
{
	struct {
		__u8 type, code;
		__u16 checksum;
		__u32 value;
	} head;

	error->at = ETH_HLEN + packet->header_bytes;
	error->quoted_at = error->at + ICMP_BYTES;
	if (bpf_skb_load_bytes(skb, error->at, &head, sizeof(head)))
		return -1;
	if (six ? !head.type || head.type > ICMPV6_ERROR_LAST
		: head.type != ICMP_UNREACHABLE && head.type != ICMP_TIME_EXCEEDED &&
			  head.type != ICMP_PARAMETER)
		return -1;
	error->type = head.type;
	error->code = head.code;
	error->value = head.value;
	return read_quoted(skb, error->quoted_at, &error->quoted, six);
}

/* Replaces source (or destination) in the quoted header and one address of the outer one. */
INLINE int translate_error4(struct __sk_buff *skb, struct packet *packet,
			    struct icmp_error *error, const int is_reply, __u32 address, __u16 port)
{
	struct packet *quoted = &error->quoted;
	const __u32 old = is_reply ? quoted->ip.daddr : quoted->ip.saddr;
	const __u16 old_port = quoted->ports[is_reply ? 1 : 0];
	const struct address new = {{address, 0, 0, 0}};

	/* The checksum of the quoted header balances its address: ICMP's sees the port only. */
	quoted->ip.check = checksum32(quoted->ip.check, old, address);
	if (is_reply)
		quoted->ip.daddr = address;
	else
		quoted->ip.saddr = address;
	quoted->ports[is_reply ? 1 : 0] = port;
	if (store_address(skb, packet, is_reply, &new, 0) ||
	    bpf_skb_store_bytes(skb, error->quoted_at, &quoted->ip, sizeof(quoted->ip), 0) ||
	    bpf_skb_store_bytes(skb, error->quoted_at + quoted->header_bytes, quoted->ports,
				PORTS_BYTES, 0) ||
	    bpf_l4_csum_replace(skb, error->at + ICMP_CHECKSUM_OFFSET, old_port, port, 2))
		return drop(DROP_STORE);
	return PASS;
}

/* The same for IPv6, where the checksum of ICMP covers the outer addresses, too. */
INLINE int translate_error6(struct __sk_buff *skb, struct packet *packet,
			    struct icmp_error *error, const int is_reply,
			    const struct address *address, __u16 port)
{
	const struct packet *quoted = &error->quoted;
	const struct address *outer = is_reply ? &packet->source : &packet->destination;
	const struct address *old = is_reply ? &quoted->destination : &quoted->source;
	const __u16 old_port = quoted->ports[is_reply ? 1 : 0];
	const __u32 old_at = is_reply ? offsetof(struct ipv6hdr, daddr)
				      : offsetof(struct ipv6hdr, saddr);
	const __u32 ports_at = error->quoted_at + quoted->header_bytes;
	const __u32 checksum = error->at + ICMP_CHECKSUM_OFFSET;

	if (store_address(skb, packet, is_reply, address, 1) ||
	    bpf_l4_csum_replace(skb, checksum, 0, difference(outer, address, 1),
				BPF_F_PSEUDO_HDR) ||
	    bpf_skb_store_bytes(skb, error->quoted_at + old_at, address, 16, 0) ||
	    bpf_l4_csum_replace(skb, checksum, 0, difference(old, address, 1), 0) ||
	    bpf_skb_store_bytes(skb, ports_at + (is_reply ? 2 : 0), &port, 2, 0) ||
	    bpf_l4_csum_replace(skb, checksum, old_port, port, 2))
		return drop(DROP_STORE);
	return PASS;
}

INLINE int send_translated(struct __sk_buff *skb, struct packet *packet, struct icmp_error *error,
			   const int is_reply, const struct address *address, __u16 port,
			   __u32 device, const int six)
{
	int verdict;

	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	verdict = six ? translate_error6(skb, packet, error, is_reply, address, port)
		      : translate_error4(skb, packet, error, is_reply, address->words[0], port);
	return verdict == DROP ? DROP : bpf_redirect_neigh(device, 0, 0, 0);
}

/* An error about what ipip has put in front: the client hears of its own packet within. */
INLINE int relay_tunnel_error(struct __sk_buff *skb, struct icmp_error *error, const int six)
{
	const __u32 outer_bytes = error->quoted.header_bytes;
	const __u32 inner_at = error->quoted_at + outer_bytes;
	const struct address outer = error->quoted.destination;
	struct packet *inner = &error->quoted;
	struct connection *connection;
	struct server *server;
	union told *told = new_told();
	union flow flow;
	__u32 device;

	if (!told)
		return PASS;
	if (read_quoted(skb, inner_at, inner, six) ||
	    (inner->protocol != IPPROTO_TCP && inner->protocol != IPPROTO_UDP))
		return PASS;
	set_flow(&flow, inner, six);
	connection = find_connection(&flow, six);
	if (!connection)
		return PASS;
	device = connection->device;
	server = find_server(connection->server, connection->generation);
	if (!server || !(server->flags & SERVER_IPIP) ||
	    !is_same_address(&server->address, &outer) ||
	    is_closed_by(server->lease, &inner->destination, six))
		return PASS;
	if (six) {
		struct error6 *sent = &told->six;

		sent->type = error->type;
		sent->code = error->code;
		sent->mtu = error->value;
		if (error->type == ICMPV6_TOO_BIG)
			sent->mtu = be32(be32(error->value) - (__u32)sizeof(struct ipv6hdr));
		__builtin_memcpy(&sent->ip.saddr, &inner->destination, 16);
		__builtin_memcpy(&sent->ip.daddr, &inner->source, 16);
		if (bpf_skb_load_bytes(skb, inner_at, &sent->quoted,
				       sizeof(sent->quoted) + QUOTED_LEAST))
			return PASS;
		return send_error6(skb, sent, QUOTED_LEAST, 0, device);
	} else {
		const __u16 mtu = be16((__u16)(error->value >> 16));
		struct error4 *sent = &told->four;

		sent->type = error->type;
		sent->code = error->code;
		if (error->type == ICMP_UNREACHABLE && error->code == FRAGMENTATION_NEEDED)
			sent->mtu = be16((__u16)(mtu - sizeof(struct iphdr)));
		sent->ip.saddr = inner->destination.words[0];
		sent->ip.daddr = inner->source.words[0];
		if (inner->ip.ihl != 5 ||
		    bpf_skb_load_bytes(skb, inner_at, &sent->quoted,
				       sizeof(sent->quoted) + QUOTED_LEAST))
			return PASS;
		return send_error4(skb, sent, QUOTED_LEAST, 0, device);
	}
}

/* An error about a packet of a real server, or of a client to it. */
INLINE int balance_error(struct __sk_buff *skb, struct packet *packet, const int six)
{
	const __u32 zero = 0;
	struct error_work *work = bpf_map_lookup_elem(&error_work, &zero);
	struct connection *connection;
	struct icmp_error *error;
	struct packet *quoted, *back;
	struct server *server;
	struct reply *name;
	union flow flow;

	if (!work)
		return PASS;
	__builtin_memset(work, 0, sizeof(*work));
	error = &work->error;
	quoted = &error->quoted;
	back = &work->back;
	if (read_error(skb, packet, error, six))
		return PASS;
	if (quoted->protocol == (six ? IPPROTO_IPV6 : IPPROTO_IPIP))
		return relay_tunnel_error(skb, error, six);
	back->source = quoted->destination;
	back->destination = quoted->source;
	back->ports[0] = quoted->ports[1];
	back->ports[1] = quoted->ports[0];
	back->protocol = quoted->protocol;
	/* Sent by the service to the client: the real server must hear of it. */
	set_flow(&flow, back, six);
	connection = find_connection(&flow, six);
	if (connection) {
		if (is_closed(&back->destination, six))
			return PASS;
		server = find_server(connection->server, connection->generation);
		if (!server)
			return drop(DROP_LOST_SERVER);
		packet->server = server;
		if (!(server->flags & SERVER_MASQ))
			return FORWARD;
		return send_translated(skb, packet, error, 0, &server->address,
				       server->port ? server->port : back->ports[1],
				       server->device, six);
	}
	/* Sent by the client and translated: it must hear of it, from the address it knows. */
	name = find_reply(back, six);
	if (!name)
		return PASS;
	work->name = *name;
	name = &work->name;
	if (!name->port)
		name->port = back->ports[0];
	set_answer_flow(&flow, back, name, six);
	connection = find_connection(&flow, six);
	if (!connection || is_closed(&name->virtual, six))
		return PASS;
	return send_translated(skb, packet, error, 1, &name->virtual, name->port,
			       connection->device, six);
}

#endif
