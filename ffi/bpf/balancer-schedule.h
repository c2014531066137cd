/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Which real server gets a new connection. The slots are computed by src/datapath/bpf.
 */
#ifndef APPLIANCE_BALANCER_SCHEDULE_H
#define APPLIANCE_BALANCER_SCHEDULE_H

#include "balancer-connection.h"

/* foldAddress() of src/net/address.ts. */
INLINE __u32 fold(const struct address *address)
{
	return be32(address->words[0] ^ address->words[1] ^ address->words[2] ^ address->words[3]);
}

/* mixWord() of src/scheduler/maglev.ts. */
INLINE __u32 mix(__u32 word)
{
	word = (word ^ (word >> 16)) * 0x85ebca6b;
	word = (word ^ (word >> 13)) * 0xc2b2ae35;
	return word ^ (word >> 16);
}

INLINE __u32 take_turn(__u32 service)
{
	__u32 *turn = bpf_map_lookup_elem(&turns, &service);

	return turn ? __sync_fetch_and_add(turn, 1) : 0;
}

/* Two processors may have counted one end twice: below 0 is 0. */
INLINE __u32 connections_in(const struct load *load)
{
	const __s32 count = load->count;

	return count > 0 ? count : 0;
}

/* True if a server has as many connections as it may, until it has come down again. */
INLINE int is_full(const struct server *server, __u32 index)
{
	struct load *load;
	__u32 count;

	if (!server->upper)
		return 0;
	load = bpf_map_lookup_elem(&loads, &index);
	if (!load)
		return 0;
	count = connections_in(load);
	if (count >= server->upper)
		load->is_full = 1;
	else if (count <= server->lower && load->is_full)
		load->is_full = 0;
	return load->is_full;
}

/*
 * The server with the least load by weight; of equal ones, each in turn. What the loop carries on
 * stands in a map: the verifier then knows nothing of it, and does not follow each case.
 */
INLINE __u32 least_loaded(const struct service *service)
{
	const __u8 scheduler = service->scheduler;
	const __u32 zero = 0, members = service->members;
	const __u32 table = service->table + service->slots;
	struct least *least = bpf_map_lookup_elem(&scratch, &zero);

	if (!least)
		return NO_SERVER;
	least->look = take_turn(service->id);
	least->server = NO_SERVER;
	least->load = 1ull << 40;
	least->weight = 1;
	/* What the new connection adds; for nq only where there are others. */
	least->added = scheduler == SCHEDULER_SED || scheduler == SCHEDULER_NQ;
	least->idle_added = scheduler == SCHEDULER_SED;
	least->weight_factor = scheduler != SCHEDULER_LC;
	least->weight_base = scheduler == SCHEDULER_LC;
	for (__u32 look = 0; look < LOOKS_MAX && look < members; look++) {
		__u32 slot = table + least->look++ % members;
		__u32 *index = bpf_map_lookup_elem(&slots, &slot);
		struct server *server;
		__u64 load, weight;
		struct load *count;

		if (!index)
			break;
		server = bpf_map_lookup_elem(&servers, index);
		count = bpf_map_lookup_elem(&loads, index);
		if (!server || !count)
			break;
		if (is_full(server, *index))
			continue;
		least->current = connections_in(count);
		least->current += least->current ? least->added : least->idle_added;
		load = least->current;
		weight = server->weight * least->weight_factor + least->weight_base;
		if (load * least->weight < least->load * weight) {
			least->server = *index;
			least->load = load;
			least->weight = weight;
		}
	}
	return least->server;
}

/* Number of a server by its slot; slotOf() and bucketOf() of src/scheduler. */
INLINE __u32 choose_slot(const struct service *service, const struct packet *packet)
{
	__u32 slot, *index;

	if (service->scheduler == SCHEDULER_TURN)
		slot = take_turn(service->id) % service->slots;
	else if (service->scheduler == SCHEDULER_MAGLEV)
		slot = (mix(fold(&packet->source)) >> 1) % service->slots;
	else
		slot = (fold(&packet->source) * 2654435761u) >> ((32 - service->hash_bits) & 31);
	slot += service->table;
	index = bpf_map_lookup_elem(&slots, &slot);
	return index ? *index : NO_SERVER;
}

/*
 * The server that a packet goes to; its number goes to `chosen`. Where that whose turn it is is
 * full, the one with the least load of all others takes it.
 */
INLINE struct server *choose(const struct service *service, const struct packet *packet,
			     __u32 *chosen)
{
	struct server *server = 0;

	*chosen = NO_SERVER;
	if (service->slots) {
		*chosen = choose_slot(service, packet);
		server = bpf_map_lookup_elem(&servers, chosen);
		if (server && is_full(server, *chosen))
			server = 0;
	}
	if (!server) {
		*chosen = least_loaded(service);
		server = bpf_map_lookup_elem(&servers, chosen);
	}
	return server && (server->flags & SERVER_PRESENT) ? server : 0;
}

INLINE struct client_key client_of(const struct service *service, const struct packet *packet)
{
	struct client_key key = {packet->source, service->id};

#pragma clang loop unroll(full)
	for (int word = 0; word < 4; word++)
		key.client.words[word] &= service->client_mask[word];
	return key;
}

/* Leads the client to the same server for some time. */
INLINE void remember(const struct service *service, const struct packet *packet,
		     const struct connection *connection)
{
	struct client_key client;
	struct persistent keep;

	if (!service->persistence)
		return;
	client = client_of(service, packet);
	keep.server = connection->server;
	keep.generation = connection->generation;
	keep.until = connection->seen + service->persistence;
	bpf_map_update_elem(&persistents, &client, &keep, BPF_ANY);
}

/* Sets server and generation of a new connection. */
INLINE struct server *schedule(const struct service *service, const struct packet *packet,
			       struct connection *connection)
{
	struct client_key client;
	struct persistent *kept;
	struct server *server;

	if (service->persistence) {
		client = client_of(service, packet);
		kept = bpf_map_lookup_elem(&persistents, &client);
		if (kept && kept->until >= connection->seen) {
			connection->server = kept->server;
			connection->generation = kept->generation;
			server = find_server(kept->server, kept->generation);
			kept->until = connection->seen + service->persistence;
			if (server && !(server->flags & SERVER_QUIESCENT) &&
			    !is_full(server, connection->server))
				return server;
		}
	}
	server = choose(service, packet, &connection->server);
	if (!server)
		return 0;
	connection->generation = server->generation;
	/* A client of TCP is remembered once it has shown that it is there: see establish(). */
	if (packet->protocol != IPPROTO_TCP)
		remember(service, packet, connection);
	return server;
}

/* True if the lists of the service say so. */
INLINE int is_denied(const struct service *service, const struct packet *packet, const int six)
{
	struct client_network key = {.bits = CLIENT_BITS, .list = service->id << 2 | six << 1,
				     .address = packet->source};

	if ((service->flags & SERVICE_ALLOW) && !bpf_map_lookup_elem(&clients, &key))
		return 1;
	key.list |= 1;
	return (service->flags & SERVICE_DENY) && bpf_map_lookup_elem(&clients, &key);
}

/* True if the service has as many connections as it may. */
INLINE int is_over_limit(const struct service *service)
{
	__u32 index = SERVERS_MAX + service->id;
	struct load *load;

	if (!service->connection_limit)
		return 0;
	load = bpf_map_lookup_elem(&loads, &index);
	return load && connections_in(load) >= service->connection_limit;
}

#endif
