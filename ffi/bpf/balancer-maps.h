/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * What the balancer shares with src/datapath/bpf: keys, values and maps. The same layouts, under the
 * same names, stand in src/datapath/bpf/layout.ts.
 */
#ifndef APPLIANCE_BALANCER_MAPS_H
#define APPLIANCE_BALANCER_MAPS_H

#include "bpf-helpers.h"

#define SERVICES_MAX 1024
#define LISTENS_MAX 8192
#define SERVERS_MAX 4096
#define SLOTS_MAX 1048576
#define FRAGMENTS_MAX 16384
/* Sizes of the tables of connections are set by src/datapath/bpf before loading. */
#define CONNECTIONS_MAX 262144

/* Layout of all structures: src/datapath/bpf/layout.ts. IPv4 addresses stand in words[0]. */
struct address {
	__u32 words[4];
};

/* Address and port in network order. */
struct endpoint {
	struct address address;
	__u16 port;
	__u8 protocol;
	__u8 is_six;
};

/* One listening address of a service. */
struct service {
	__u32 id;
	__u32 table; /* first slot */
	__u32 slots; /* how many; 0: no server may get anything new */
	__u32 persistence_s;
	__u32 client_mask[4]; /* bits of the client's address that persistence looks at */
	__u8 scheduler;
	__u8 hash_bits; /* logarithm of slots, for source hashing */
	__u8 flags;
	__u8 unused[5];
};
enum scheduler {
	SCHEDULER_TURN,
	SCHEDULER_SOURCE,
	SCHEDULER_MAGLEV,
	SCHEDULER_LC,
	SCHEDULER_WLC,
	SCHEDULER_SED,
	SCHEDULER_NQ,
};
/* Servers that the last four look at for one connection, from one that changes on. */
#define LOOKS_MAX 32
#define NO_SERVER 0xffffffff
#define SERVICE_DRAINS 1 /* nothing new is taken: it goes up the stack */

struct server {
	struct address address;
	__u32 device; /* interface towards it */
	__u32 service;
	__u32 generation; /* connections with another one are not its own */
	__u16 port;
	__u8 flags;
	__u8 is_six;
	__u32 weight;
};
#define SERVER_PRESENT 1 /* its connections go on */
#define SERVER_MASQ 2
#define SERVER_LOCAL 4  /* this host */
#define SERVER_SHARED 8 /* another masq service has the same real address and port */
#define SERVER_FALLBACK 16 /* only told: role of the server */
#define SERVER_QUIESCENT 32 /* nothing new, also not through persistence */

struct flow4 {
	__u32 client, virtual;
	__u16 client_port, virtual_port;
	__u8 protocol, unused[3];
};
struct flow6 {
	struct address client, virtual;
	__u16 client_port, virtual_port;
	__u8 protocol, unused[3];
};

struct connection {
	__u32 server;
	__u32 generation;
	__u32 seen_s; /* coarse CLOCK_MONOTONIC */
	__u32 device; /* interface towards the client */
	__u8 state;
	__u8 unused[3];
};
#define STATE_CLIENT_CLOSED 1
#define STATE_SERVER_CLOSED 2
#define STATE_RESET 4

struct client_key {
	struct address client;
	__u32 service;
};
struct persistent {
	__u32 server;
	__u32 generation;
	__u32 until_s;
};

/* What stands in the packets of a real server in the place of its own address and port. */
struct reply {
	__u32 virtual;
	__u16 virtual_port;
	__u16 flags;
};
#define REPLY_SHARED 1 /* of several services: look into `replies` */
struct reply_flow {
	__u32 server, client;
	__u16 server_port, client_port;
	__u8 protocol, unused[3];
};

/* Fragments behind the first have no ports. */
struct fragment_key {
	__u32 source, destination;
	__u16 id;
	__u8 protocol, unused;
};
struct fragment {
	__u32 server;
	__u32 virtual; /* of an answer: address that replaces the server's; 0 on the way to it */
	__u32 device;
};

struct server_counters {
	__u64 connections, packets_in, bytes_in, packets_out, bytes_out;
};

/* State of a search, one a processor. */
struct least {
	__u64 load, weight, current, added, idle_added, weight_factor, weight_base;
	__u32 server, look;
};

/* See src/fence, which owns them: the first to come makes them. */
struct lease {
	__u64 end_ns;
	__u32 closings, opened, flags, unused[3];
};
#define ADDRESSES_MAX 4096
#define INSTANCES_MAX 256

MAP(addresses4, BPF_MAP_TYPE_HASH, 4, 4, ADDRESSES_MAX, 0);
MAP(addresses6, BPF_MAP_TYPE_HASH, 16, 4, ADDRESSES_MAX, 0);
MAP(leases, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct lease), INSTANCES_MAX, BPF_F_MMAPABLE);

MAP(services, BPF_MAP_TYPE_HASH, sizeof(struct endpoint), sizeof(struct service), LISTENS_MAX, 0);
MAP(servers, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct server), SERVERS_MAX, 0);
MAP(slots, BPF_MAP_TYPE_ARRAY, 4, 4, SLOTS_MAX, BPF_F_MMAPABLE);
/* Active connections; src/datapath/bpf puts the true number there each second. */
MAP(loads, BPF_MAP_TYPE_ARRAY, 4, 4, SERVERS_MAX, 0);
MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct least), 1, 0);
MAP(turns, BPF_MAP_TYPE_ARRAY, 4, 4, SERVICES_MAX, 0);
MAP(connections4, BPF_MAP_TYPE_LRU_HASH, sizeof(struct flow4), sizeof(struct connection),
    CONNECTIONS_MAX, 0);
MAP(connections6, BPF_MAP_TYPE_LRU_HASH, sizeof(struct flow6), sizeof(struct connection),
    CONNECTIONS_MAX, 0);
MAP(persistents, BPF_MAP_TYPE_LRU_HASH, sizeof(struct client_key), sizeof(struct persistent),
    CONNECTIONS_MAX, 0);
MAP(real_servers, BPF_MAP_TYPE_HASH, sizeof(struct endpoint), sizeof(struct reply), SERVERS_MAX, 0);
MAP(replies, BPF_MAP_TYPE_LRU_HASH, sizeof(struct reply_flow), sizeof(struct reply),
    CONNECTIONS_MAX, 0);
MAP(fragments, BPF_MAP_TYPE_LRU_HASH, sizeof(struct fragment_key), sizeof(struct fragment),
    FRAGMENTS_MAX, 0);
MAP(server_counts, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct server_counters), SERVERS_MAX, 0);
MAP(refusals, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, SERVICES_MAX, 0); /* no server for a packet */
MAP(drops, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 16, 0);

/* Index in `drops`; names in src/datapath/bpf/layout.ts. */
enum drop {
	DROP_NO_SERVER,
	DROP_TTL,
	DROP_LOST_SERVER,   /* of a fragment or an error: the server is gone */
	DROP_UNKNOWN_REPLY, /* from a real server, of no connection */
	DROP_STORE,         /* the packet could not be changed */
	DROP_TABLE,         /* the connection could not be noted */
	DROP_CLOSED,        /* answer from an address without a lease */
};

#endif
