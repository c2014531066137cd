/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * ICMP errors about packets of connections.
 */
#ifndef APPLIANCE_BALANCER_ERROR_H
#define APPLIANCE_BALANCER_ERROR_H

#include "balancer-answer.h"

/* The header and the first bytes behind it that an ICMP error quotes. */
struct quoted {
	struct iphdr ip;
	__u16 ports[2];
	__u32 ip_at, ports_at;
};

INLINE int read_quoted(struct __sk_buff *skb, const struct packet *packet, struct quoted *quoted)
{
	const __u32 at = ETH_HLEN + packet->header_bytes;
	__u8 type;

	if (bpf_skb_load_bytes(skb, at, &type, 1))
		return -1;
	if (type != ICMP_UNREACHABLE && type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETER)
		return -1;
	quoted->ip_at = at + ICMP_BYTES;
	if (bpf_skb_load_bytes(skb, quoted->ip_at, &quoted->ip, sizeof(quoted->ip)))
		return -1;
	if (quoted->ip.version != 4 || quoted->ip.ihl < 5)
		return -1;
	if (quoted->ip.protocol != IPPROTO_TCP && quoted->ip.protocol != IPPROTO_UDP)
		return -1;
	quoted->ports_at = quoted->ip_at + quoted->ip.ihl * 4;
	return bpf_skb_load_bytes(skb, quoted->ports_at, quoted->ports, PORTS_BYTES);
}

/* Replaces source (or destination) in the quoted header and one address of the outer one. */
INLINE int translate_error(struct __sk_buff *skb, struct packet *packet, struct quoted *quoted,
			   const int is_reply, __u32 address, __u16 port)
{
	const __u32 old = is_reply ? quoted->ip.daddr : quoted->ip.saddr;
	const __u16 old_port = quoted->ports[is_reply ? 1 : 0];
	const __u32 checksum = ETH_HLEN + packet->header_bytes + ICMP_CHECKSUM_OFFSET;
	const __u32 outer = is_reply ? packet->ip.saddr : packet->ip.daddr;

	/* The checksum of the quoted header balances its address: that of ICMP sees the port only. */
	quoted->ip.check = checksum32(quoted->ip.check, old, address);
	lower_ttl(&packet->ip);
	packet->ip.check = checksum32(packet->ip.check, outer, address);
	if (is_reply) {
		quoted->ip.daddr = address;
		packet->ip.saddr = address;
	} else {
		quoted->ip.saddr = address;
		packet->ip.daddr = address;
	}
	quoted->ports[is_reply ? 1 : 0] = port;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &packet->ip, sizeof(packet->ip), 0) ||
	    bpf_skb_store_bytes(skb, quoted->ip_at, &quoted->ip, sizeof(quoted->ip), 0) ||
	    bpf_skb_store_bytes(skb, quoted->ports_at, quoted->ports, PORTS_BYTES, 0) ||
	    bpf_l4_csum_replace(skb, checksum, old_port, port, 2))
		return drop(DROP_STORE);
	return PASS;
}

/* An error about a packet of a real server, or of a client to it. */
INLINE int balance_error(struct __sk_buff *skb, struct packet *packet)
{
	struct packet about = {};
	struct quoted quoted = {};
	struct connection *connection;
	struct server *server;
	struct endpoint key = {};
	struct reply *reply;
	__u32 device, virtual;
	__u16 virtual_port;

	if (read_quoted(skb, packet, &quoted))
		return PASS;
	/* Sent by the service to the client: the real server must hear of it. */
	about.source.words[0] = quoted.ip.daddr;
	about.destination.words[0] = quoted.ip.saddr;
	about.ports[0] = quoted.ports[1];
	about.ports[1] = quoted.ports[0];
	about.protocol = quoted.ip.protocol;
	connection = find_connection(&about, 0);
	if (connection) {
		if (is_closed(&about.destination, 0))
			return PASS;
		server = find_server(connection->server, connection->generation);
		if (!server)
			return drop(DROP_LOST_SERVER);
		device = server->device;
		if (!(server->flags & SERVER_MASQ))
			return send_gate(skb, packet, server, 0);
		if (packet->ttl <= 1)
			return drop(DROP_TTL);
		if (translate_error(skb, packet, &quoted, 0, server->address.words[0],
				    server->port) == DROP)
			return DROP;
		return bpf_redirect_neigh(device, 0, 0, 0);
	}
	/* Sent by the client and translated: the client must hear of it, from the address it knows. */
	key.address.words[0] = quoted.ip.daddr;
	key.port = quoted.ports[1];
	key.protocol = quoted.ip.protocol;
	reply = find_reply(&key, quoted.ip.saddr, quoted.ports[0]);
	if (!reply)
		return PASS;
	virtual = reply->virtual;
	virtual_port = reply->virtual_port;
	about.source.words[0] = quoted.ip.saddr;
	about.destination.words[0] = virtual;
	about.ports[0] = quoted.ports[0];
	about.ports[1] = virtual_port;
	connection = find_connection(&about, 0);
	if (!connection || is_closed(&about.destination, 0))
		return PASS;
	device = connection->device;
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (translate_error(skb, packet, &quoted, 1, virtual, virtual_port) == DROP)
		return DROP;
	return bpf_redirect_neigh(device, 0, 0, 0);
}

/* An ICMPv6 error about an answer of a real server: gate, so it goes there as it is. */
INLINE int balance_error6(struct __sk_buff *skb, struct packet *packet)
{
	const __u32 at = ETH_HLEN + sizeof(struct ipv6hdr);
	struct packet about = {};
	struct connection *connection;
	struct ipv6hdr quoted;
	struct server *server;
	__u16 ports[2];
	__u8 type;

	if (bpf_skb_load_bytes(skb, at, &type, 1) || !type || type > ICMPV6_ERROR_LAST ||
	    bpf_skb_load_bytes(skb, at + ICMP_BYTES, &quoted, sizeof(quoted)) ||
	    bpf_skb_load_bytes(skb, at + ICMP_BYTES + sizeof(quoted), ports, PORTS_BYTES))
		return PASS;
	if (quoted.nexthdr != IPPROTO_TCP && quoted.nexthdr != IPPROTO_UDP)
		return PASS;
	__builtin_memcpy(&about.source, &quoted.daddr, 16);
	__builtin_memcpy(&about.destination, &quoted.saddr, 16);
	about.ports[0] = ports[1];
	about.ports[1] = ports[0];
	about.protocol = quoted.nexthdr;
	connection = find_connection(&about, 1);
	if (!connection || is_closed(&about.destination, 1))
		return PASS;
	server = find_server(connection->server, connection->generation);
	return server ? send_gate(skb, packet, server, 1) : drop(DROP_LOST_SERVER);
}

#endif
