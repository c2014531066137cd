/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Packets of real servers of masq, on their way back to the client.
 */
#ifndef APPLIANCE_BALANCER_ANSWER_H
#define APPLIANCE_BALANCER_ANSWER_H

#include "balancer-connection.h"
#include "balancer-send.h"

/* A packet of a real server that belongs to nothing: a client that saw it would reset. */
INLINE int judge_unknown_reply(struct __sk_buff *skb, const struct packet *packet, const int six)
{
	struct bpf_fib_lookup route = {};

	route.ifindex = skb->ifindex;
	if (six) {
		route.family = AF_INET6;
		__builtin_memcpy(route.ipv6_src, &packet->source, 16);
		__builtin_memcpy(route.ipv6_dst, &packet->destination, 16);
	} else {
		route.family = AF_INET;
		route.ipv4_src = packet->source.words[0];
		route.ipv4_dst = packet->destination.words[0];
	}
	/* Answers to this host's own checks are for it. */
	if (bpf_fib_lookup(skb, &route, sizeof(route), BPF_FIB_LOOKUP_SKIP_NEIGH))
		return PASS;
	return drop(DROP_UNKNOWN_REPLY);
}

/* What a packet of a real server, towards `packet`'s destination, is called; 0: it is of none. */
INLINE struct reply *find_reply(const struct packet *packet, const int six)
{
	struct endpoint server = {packet->source, packet->ports[0], packet->protocol, six};
	const __u32 settings = settings_now();
	struct reply *reply, *one;

	if (!(settings & SETTING_MASQ))
		return 0;
	reply = bpf_map_lookup_elem(&real_servers, &server);
	if (!reply && (settings & SETTING_ANY_PORT)) {
		server.port = 0;
		reply = bpf_map_lookup_elem(&real_servers, &server);
	}
	if (reply && (reply->flags & REPLY_SHARED)) {
		struct reply_flow flow = {packet->source, packet->destination, packet->ports[0],
					  packet->ports[1], packet->protocol, {}};

		one = bpf_map_lookup_elem(&replies, &flow);
		/* A connection from before it was shared has no entry. */
		return one ? one : reply;
	}
	return reply;
}

/* Key of the connection that an answer belongs to; `name` is that of its server. */
INLINE void set_answer_flow(union flow *flow, const struct packet *packet,
			    const struct reply *name, const int six)
{
	struct packet sent = {.protocol = packet->protocol};

	sent.source = packet->destination;
	sent.destination = name->virtual;
	sent.ports[0] = packet->ports[1];
	sent.ports[1] = name->port;
	set_flow(flow, &sent, six);
}

/* True if an answer is too large for the way to the client. */
INLINE int is_too_big_for(struct __sk_buff *skb, __u32 device, __u32 *mtu)
{
	*mtu = 0;
	if (skb->len <= SMALL_BYTES)
		return 0;
	return bpf_check_mtu(skb, device, mtu, 0, BPF_MTU_CHK_SEGS) > 0;
}

INLINE int answer(struct __sk_buff *skb, struct packet *packet, const int six)
{
	struct reply *reply = find_reply(packet, six);
	struct connection *connection;
	struct server *server;
	struct reply name;
	union flow flow;
	__u32 device;

	if (!reply)
		return PASS;
	name = *reply;
	if (!name.port)
		name.port = packet->ports[0];
	set_answer_flow(&flow, packet, &name, six);
	connection = find_connection(&flow, six);
	/* A server at every port may send what it likes. */
	if (!connection)
		return reply->port ? judge_unknown_reply(skb, packet, six) : PASS;
	server = find_server(connection->server, connection->generation);
	if (!server)
		return judge_unknown_reply(skb, packet, six);
	if (is_closed_by(server->lease, &name.virtual, six))
		return drop(DROP_CLOSED);
	follow(connection, server, packet, STATE_SERVER_CLOSED);
	/* Else it is not established. */
	if (connection->told)
		tell(&flow, connection, six);
	count_out(skb, connection->server);
	device = connection->device;
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (is_too_big_for(skb, device, &packet->mtu)) {
		packet->destination = name.virtual;
		return TOO_BIG;
	}
	if (packet->has_more) {
		struct fragment fragment = {name.virtual, connection->server, device};

		note_fragment(packet, &fragment);
	}
	if (translate(skb, packet, 1, &name.virtual, name.port, six) == DROP)
		return DROP;
	return bpf_redirect_neigh(device, 0, 0, 0);
}

#endif
