/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Packets of real servers of masq, on their way back to the client.
 */
#ifndef APPLIANCE_BALANCER_ANSWER_H
#define APPLIANCE_BALANCER_ANSWER_H

#include "balancer-connection.h"
#include "balancer-send.h"

/* A packet of a real server that belongs to nothing: a client that saw it would reset. */
INLINE int judge_unknown_reply(struct __sk_buff *skb, const struct packet *packet)
{
	struct bpf_fib_lookup route = {};

	route.family = AF_INET;
	route.ifindex = skb->ifindex;
	route.ipv4_src = packet->source.words[0];
	route.ipv4_dst = packet->destination.words[0];
	/* Answers to this host's own checks are for it. */
	if (bpf_fib_lookup(skb, &route, sizeof(route), BPF_FIB_LOOKUP_SKIP_NEIGH))
		return PASS;
	return drop(DROP_UNKNOWN_REPLY);
}

/* Name of a real server towards a client; 0 if it is none. */
INLINE struct reply *find_reply(const struct endpoint *server, __u32 client, __u16 client_port)
{
	struct reply *reply = bpf_map_lookup_elem(&real_servers, server);
	struct reply *one;

	if (reply && (reply->flags & REPLY_SHARED)) {
		struct reply_flow flow = {server->address.words[0], client, server->port, client_port,
					  server->protocol, {}};

		one = bpf_map_lookup_elem(&replies, &flow);
		/* A connection from before it was shared has no entry. */
		return one ? one : reply;
	}
	return reply;
}

INLINE int answer(struct __sk_buff *skb, struct packet *packet)
{
	const struct endpoint server = {packet->source, packet->ports[0], packet->protocol, 0};
	struct reply *reply = find_reply(&server, packet->destination.words[0], packet->ports[1]);
	struct packet sent = {.protocol = packet->protocol};
	struct connection *connection;
	__u32 device, virtual;
	__u16 virtual_port;

	if (!reply)
		return PASS;
	virtual = reply->virtual;
	virtual_port = reply->virtual_port;
	sent.source = packet->destination;
	sent.destination.words[0] = virtual;
	sent.ports[0] = packet->ports[1];
	sent.ports[1] = virtual_port;
	connection = find_connection(&sent, 0);
	if (!connection)
		return judge_unknown_reply(skb, packet);
	if (is_closed(&sent.destination, 0))
		return drop(DROP_CLOSED);
	follow(connection, packet, STATE_SERVER_CLOSED);
	count_out(skb, connection->server);
	device = connection->device;
	if (packet->ip.frag_off & FRAGMENT_MORE) {
		struct fragment fragment = {connection->server, virtual, device};

		note_fragment(packet, &fragment);
	}
	if (translate(skb, packet, 1, virtual, virtual_port) == DROP)
		return DROP;
	return bpf_redirect_neigh(device, 0, 0, 0);
}

#endif
