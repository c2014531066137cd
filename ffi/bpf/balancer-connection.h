/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Connections in their tables: found, noted, counted and followed to their end.
 *
 * The first packet of a connection notes it among the openings, the second one of the client moves
 * it to the connections. So a flood of first packets, which need no answer to be sent, displaces
 * other first packets only.
 */
#ifndef APPLIANCE_BALANCER_CONNECTION_H
#define APPLIANCE_BALANCER_CONNECTION_H

#include "balancer-events.h"
#include "balancer-packet.h"

union flow {
	struct flow4 four;
	struct flow6 six;
};

INLINE void *connections_of(const int six)
{
	return six ? (void *)&connections6 : (void *)&connections4;
}

INLINE void *openings_of(const int six)
{
	return six ? (void *)&openings6 : (void *)&openings4;
}

/* Key of a packet of the client. */
INLINE void set_flow(union flow *flow, const struct packet *packet, const int six)
{
	if (six) {
		const struct flow6 key = {packet->source, packet->destination, packet->ports[0],
					  packet->ports[1], packet->protocol, {}};
		flow->six = key;
	} else {
		const struct flow4 key = {packet->source.words[0], packet->destination.words[0],
					  packet->ports[0], packet->ports[1], packet->protocol, {}};
		flow->four = key;
	}
}

/* In whichever table it is. */
INLINE struct connection *find_connection(const union flow *flow, const int six)
{
	struct connection *connection = bpf_map_lookup_elem(connections_of(six), flow);

	return connection ? connection : bpf_map_lookup_elem(openings_of(six), flow);
}

/* The server if it is there still, and not another one under its number. */
INLINE struct server *find_server(__u32 index, __u32 generation)
{
	struct server *server = bpf_map_lookup_elem(&servers, &index);

	if (!server || server->generation != generation || !(server->flags & SERVER_PRESENT))
		return 0;
	return server;
}

/* The server of a connection that the packet belongs to. A client may use its port again while the
 * old connection is still here. */
INLINE struct server *server_of(const struct connection *connection, const struct packet *packet)
{
	if (connection->state && is_opening(packet))
		return 0;
	return find_server(connection->server, connection->generation);
}

INLINE void count_in(struct __sk_buff *skb, __u32 index, int is_new)
{
	struct server_counters *counters = bpf_map_lookup_elem(&server_counts, &index);

	if (!counters)
		return;
	counters->connections += is_new;
	counters->packets_in += skb->gso_segs ? skb->gso_segs : 1;
	counters->bytes_in += skb->len - ETH_HLEN;
}

INLINE void count_out(struct __sk_buff *skb, __u32 index)
{
	struct server_counters *counters = bpf_map_lookup_elem(&server_counts, &index);

	if (!counters)
		return;
	counters->packets_out += skb->gso_segs ? skb->gso_segs : 1;
	counters->bytes_out += skb->len - ETH_HLEN;
}

/* Connections of a server and of its service, where somebody looks at them. */
INLINE void add_load(const struct server *server, __u32 index, int difference)
{
	__u32 service = SERVERS_MAX + server->service;
	struct load *load;

	if (!(server->flags & SERVER_COUNTED))
		return;
	load = bpf_map_lookup_elem(&loads, &index);
	if (load)
		__sync_fetch_and_add(&load->count, difference);
	load = bpf_map_lookup_elem(&loads, &service);
	if (load)
		__sync_fetch_and_add(&load->count, difference);
}

INLINE void note_reply(const struct packet *packet, const struct server *server)
{
	const __u16 port = server->port ? server->port : packet->ports[1];
	struct reply_flow flow = {server->address, packet->source, port, packet->ports[0],
				  packet->protocol, {}};
	struct reply reply = {packet->destination, packet->ports[1], 0};

	bpf_map_update_elem(&replies, &flow, &reply, BPF_ANY);
}

/* ---- what becomes of a connection ------------------------------------------------------------ */

/* It begins. Not 0 if it could not be noted. */
INLINE long note_opening(const union flow *flow, const struct connection *connection,
			 const struct server *server, const int six)
{
	if (bpf_map_update_elem(openings_of(six), flow, connection, BPF_ANY))
		return -1;
	add_load(server, connection->server, 1);
	return 0;
}

/* Another packet of the client has come: it is one. */
INLINE void establish(const union flow *flow, const struct connection *opening, const int six)
{
	struct connection connection = *opening;

	tell(flow, &connection, six);
	if (!bpf_map_update_elem(connections_of(six), flow, &connection, BPF_ANY))
		bpf_map_delete_elem(openings_of(six), flow);
}

/* Its server is gone, or its client begins anew. */
INLINE void forget(const union flow *flow, const int six)
{
	bpf_map_delete_elem(connections_of(six), flow);
}

/* A packet of it has come from one side, whose end is `closed`. */
INLINE void follow(struct connection *connection, const struct server *server,
		   const struct packet *packet, __u8 closed)
{
	const __u32 now = now_ticks();
	__u8 state = connection->state;

	if (packet->tcp_flags & TCP_RST)
		state |= STATE_RESET;
	else if (packet->tcp_flags & TCP_FIN)
		state |= closed;
	if (connection->state != state) {
		if (!connection->state)
			add_load(server, connection->server, -1);
		connection->state = state;
	}
	/* A line of the table that several processors read is written once a second. */
	if (connection->seen != now)
		connection->seen = now;
}

#endif
