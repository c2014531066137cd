/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Packets of clients: of a connection that is there, or of a new one.
 */
#ifndef APPLIANCE_BALANCER_CLIENT_H
#define APPLIANCE_BALANCER_CLIENT_H

#include "balancer-answer.h"
#include "balancer-schedule.h"

INLINE int refuse(const struct service *service, enum drop reason)
{
	__u32 id = service->id;
	struct refusals *counts = bpf_map_lookup_elem(&service_refusals, &id);

	if (counts) {
		if (reason == DROP_NO_SERVER)
			counts->no_server += 1;
		else if (reason == DROP_DENIED)
			counts->denied += 1;
		else
			counts->over_limit += 1;
	}
	return drop(reason);
}

/* The first packet of a connection. */
INLINE int begin(struct __sk_buff *skb, struct packet *packet, const struct service *service,
		 const union flow *flow, const int six)
{
	struct connection connection = {.seen = now_ticks(), .device = skb->ifindex};
	struct server *server;

	if (service->flags & SERVICE_DRAINS)
		return PASS;
	if (is_real_server_only(service->lease, &packet->destination, six))
		return PASS;
	if (is_denied(service, packet, six))
		return refuse(service, DROP_DENIED);
	if (is_over_limit(service))
		return refuse(service, DROP_LIMIT);
	server = schedule(service, packet, &connection);
	if (!server)
		return refuse(service, DROP_NO_SERVER);
	if (!(service->flags & SERVICE_ONE_PACKET)) {
		if (note_opening(flow, &connection, server, six))
			return drop(DROP_TABLE);
		if (server->flags & SERVER_SHARED)
			note_reply(packet, server);
	}
	packet->server = server;
	packet->index = connection.server;
	count_in(skb, packet->index, 1);
	return FORWARD;
}

/* Another packet of a connection. */
INLINE int go_on(struct __sk_buff *skb, struct packet *packet, struct connection *connection,
		 const struct server *server)
{
	follow(connection, server, packet, STATE_CLIENT_CLOSED);
	if (connection->device != skb->ifindex)
		connection->device = skb->ifindex;
	packet->server = server;
	packet->index = connection->server;
	count_in(skb, packet->index, 0);
	return FORWARD;
}

INLINE struct service *find_service(const struct packet *packet, const int six)
{
	const struct endpoint key = {packet->destination, packet->ports[1], packet->protocol, six};
	struct service *service = bpf_map_lookup_elem(&services, &key);

	if (!service && (settings_now() & SETTING_RANGES)) {
		const struct range range = {RANGE_BITS, packet->destination, packet->protocol, six,
					    packet->ports[1]};

		service = bpf_map_lookup_elem(&ranges, &range);
	}
	return service;
}

/* A packet of no connection that is established. */
INLINE int open(struct __sk_buff *skb, struct packet *packet, const struct service *service,
		const union flow *flow, const int six)
{
	struct connection *connection = bpf_map_lookup_elem(openings_of(six), flow);
	struct server *server = connection ? server_of(connection, packet) : 0;

	if (!server)
		return begin(skb, packet, service, flow, six);
	go_on(skb, packet, connection, server);
	if (packet->tcp_flags & (TCP_SYN | TCP_RST))
		return FORWARD;
	establish(flow, connection, six);
	if (packet->protocol == IPPROTO_TCP)
		remember(service, packet, connection);
	return FORWARD;
}

INLINE int balance(struct __sk_buff *skb, struct packet *packet, const int six)
{
	struct connection *connection;
	struct service *service;
	struct server *server;
	union flow flow;

	set_flow(&flow, packet, six);
	connection = bpf_map_lookup_elem(connections_of(six), &flow);
	if (connection) {
		server = server_of(connection, packet);
		if (server) {
			if (is_closed_by(server->lease, &packet->destination, six))
				return PASS;
			go_on(skb, packet, connection, server);
			tell(&flow, connection, six);
			return FORWARD;
		}
	}
	service = find_service(packet, six);
	if (!service)
		return answer(skb, packet, six);
	if (is_closed_by(service->lease, &packet->destination, six))
		return PASS;
	if (connection)
		forget(&flow, six);
	return open(skb, packet, service, &flow, six);
}

#endif
