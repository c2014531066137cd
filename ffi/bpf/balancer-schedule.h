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

/*
 * The server with the least load by weight; of equal ones, each in turn. What the loop carries on
 * stands in a map: the verifier then knows nothing of it, and does not follow each case.
 */
INLINE __u32 least_loaded(const struct service *service)
{
	const __u8 scheduler = service->scheduler;
	const __u32 zero = 0;
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
	for (__u32 look = 0; look < LOOKS_MAX && look < service->slots; look++) {
		__u32 slot = service->table + least->look++ % service->slots;
		__u32 *index = bpf_map_lookup_elem(&slots, &slot);
		struct server *server;
		__u64 load, weight;
		int *count;

		if (!index)
			break;
		server = bpf_map_lookup_elem(&servers, index);
		count = bpf_map_lookup_elem(&loads, index);
		if (!server || !count)
			break;
		/* Two processors may have counted one end twice: below 0 is 0. */
		least->current = *count > 0 ? *count + least->added : least->idle_added;
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

/* Number of a server; its table must not be empty. slotOf() and bucketOf() of src/scheduler. */
INLINE __u32 choose(const struct service *service, const struct packet *packet)
{
	__u32 slot, *index;

	if (service->scheduler >= SCHEDULER_LC)
		return least_loaded(service);
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

INLINE struct client_key client_of(const struct service *service, const struct packet *packet)
{
	struct client_key key = {packet->source, service->id};

#pragma clang loop unroll(full)
	for (int word = 0; word < 4; word++)
		key.client.words[word] &= service->client_mask[word];
	return key;
}

/* Sets server and generation of a new connection. */
INLINE struct server *schedule(const struct service *service, const struct packet *packet,
			       struct connection *connection)
{
	struct client_key client;
	struct persistent *kept, keep;
	struct server *server = 0;

	if (service->persistence_s) {
		client = client_of(service, packet);
		kept = bpf_map_lookup_elem(&persistents, &client);
		if (kept && kept->until_s >= connection->seen_s) {
			connection->server = kept->server;
			connection->generation = kept->generation;
			server = find_server(kept->server, kept->generation);
			kept->until_s = connection->seen_s + service->persistence_s;
			if (server && !(server->flags & SERVER_QUIESCENT))
				return server;
		}
	}
	if (!service->slots)
		return 0;
	connection->server = choose(service, packet);
	server = bpf_map_lookup_elem(&servers, &connection->server);
	if (!server || !(server->flags & SERVER_PRESENT))
		return 0;
	connection->generation = server->generation;
	if (service->persistence_s) {
		keep.server = connection->server;
		keep.generation = connection->generation;
		keep.until_s = connection->seen_s + service->persistence_s;
		bpf_map_update_elem(&persistents, &client, &keep, BPF_ANY);
	}
	return server;
}

#endif
