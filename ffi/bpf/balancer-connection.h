/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Connections in their tables: found, noted, counted and followed to their end.
 */
#ifndef APPLIANCE_BALANCER_CONNECTION_H
#define APPLIANCE_BALANCER_CONNECTION_H

#include "balancer-packet.h"

INLINE struct connection *find_connection(const struct packet *packet, const int six)
{
	if (six) {
		struct flow6 flow = {packet->source, packet->destination, packet->ports[0],
				     packet->ports[1], packet->protocol, {}};
		return bpf_map_lookup_elem(&connections6, &flow);
	} else {
		struct flow4 flow = {packet->source.words[0], packet->destination.words[0],
				     packet->ports[0], packet->ports[1], packet->protocol, {}};
		return bpf_map_lookup_elem(&connections4, &flow);
	}
}

INLINE long note_connection(const struct packet *packet, const struct connection *connection,
			    const int six)
{
	if (six) {
		struct flow6 flow = {packet->source, packet->destination, packet->ports[0],
				     packet->ports[1], packet->protocol, {}};
		return bpf_map_update_elem(&connections6, &flow, connection, BPF_ANY);
	} else {
		struct flow4 flow = {packet->source.words[0], packet->destination.words[0],
				     packet->ports[0], packet->ports[1], packet->protocol, {}};
		return bpf_map_update_elem(&connections4, &flow, connection, BPF_ANY);
	}
}

/* The server if it is there still, and not another one under its number. */
INLINE struct server *find_server(__u32 index, __u32 generation)
{
	struct server *server = bpf_map_lookup_elem(&servers, &index);

	if (!server || server->generation != generation || !(server->flags & SERVER_PRESENT))
		return 0;
	return server;
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

INLINE void add_load(__u32 index, int difference)
{
	int *load = bpf_map_lookup_elem(&loads, &index);

	if (load)
		__sync_fetch_and_add(load, difference);
}

INLINE int is_opening(const struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

INLINE void note_reply(const struct packet *packet, const struct server *server)
{
	struct reply_flow flow = {server->address.words[0], packet->source.words[0], server->port,
				  packet->ports[0], packet->protocol, {}};
	struct reply reply = {packet->destination.words[0], packet->ports[1], 0};

	bpf_map_update_elem(&replies, &flow, &reply, BPF_ANY);
}

INLINE void follow(struct connection *connection, const struct packet *packet, __u8 closed)
{
	const __u32 now = now_s();
	__u8 state = connection->state;

	if (packet->tcp_flags & TCP_RST)
		state |= STATE_RESET;
	else if (packet->tcp_flags & TCP_FIN)
		state |= closed;
	if (connection->state != state) {
		if (!connection->state)
			add_load(connection->server, -1);
		connection->state = state;
	}
	/* A line of the table that several processors read is written once a second. */
	if (connection->seen_s != now)
		connection->seen_s = now;
}

#endif
