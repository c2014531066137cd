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
/* A range of ports is at most 30 prefixes. */
#define RANGES_MAX 8192
#define CLIENTS_MAX 65536
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

/* Ports that begin alike: a range is several of them, all ports the one of no bits. */
struct range {
	__u32 bits; /* of everything behind it that count */
	struct address address;
	__u8 protocol;
	__u8 is_six;
	__u16 port;
};
#define RANGE_BITS 160 /* all of it */

/* Clients of one service that are let in, or not. */
struct client_network {
	__u32 bits;
	__u32 list; /* number of the service, times 4; + 2: IPv6; + 1: those that are not */
	struct address address;
};
#define CLIENT_BITS 160

/* One listening address of a service. */
struct service {
	__u32 id;
	__u32 table; /* first slot */
	__u32 slots; /* how many; 0: the scheduler looks at the members only */
	__u32 persistence; /* ticks; 0: none */
	__u32 client_mask[4]; /* bits of the client's address that persistence looks at */
	__u8 scheduler;
	__u8 hash_bits; /* logarithm of slots, for source hashing */
	__u16 flags;
	__u32 members; /* slots behind the table, with each server once */
	__u32 connection_limit; /* 0: none */
	__u32 lease;
};
/* Where the lease of an address is found: by the address, ... */
#define LEASE_OF_ADDRESS 0
#define LEASE_NONE 1  /* nowhere: it needs none */
#define LEASE_FIRST 2 /* this is the one of instance 0 */
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
#define SERVICE_DRAINS 1     /* nothing new is taken: it goes up the stack */
#define SERVICE_ALLOW 2      /* only clients of its list */
#define SERVICE_DENY 4       /* no clients of its other list */
#define SERVICE_ONE_PACKET 8 /* each packet for itself, nothing is noted */

struct server {
	struct address address;
	struct address source; /* ipip: the director's */
	__u32 device; /* interface towards it */
	__u32 service;
	__u32 generation; /* connections with another one are not its own */
	__u16 port; /* 0: that of the packet */
	__u16 flags;
	__u32 weight;
	__u32 upper; /* connections at which it is full; 0: never */
	__u32 lower; /* at which it is not any more */
	__u16 mtu; /* largest packet, without what ipip puts in front */
	__u16 lease; /* as of its service */
	__u8 is_six;
	__u8 unused[3];
};
#define SERVER_PRESENT 1 /* its connections go on */
#define SERVER_MASQ 2
#define SERVER_LOCAL 4  /* this host */
#define SERVER_SHARED 8 /* another masq service has the same real address and port */
#define SERVER_FALLBACK 16 /* only told: role of the server */
#define SERVER_QUIESCENT 32 /* nothing new, also not through persistence */
#define SERVER_IPIP 64
#define SERVER_COUNTED 128 /* somebody looks at how many connections there are */

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
	__u32 seen; /* tick */
	__u32 device; /* interface towards the client */
	__u8 state;
	__u8 told; /* see balancer-events.h */
	__u8 unused[2];
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
	__u32 until; /* tick */
};

/* What stands in the packets of a real server in the place of its own address and port. */
struct reply {
	struct address virtual;
	__u16 port; /* 0: that of the packet */
	__u16 flags;
};
#define REPLY_SHARED 1 /* of several services: look into `replies` */
struct reply_flow {
	struct address server, client;
	__u16 server_port, client_port;
	__u8 protocol, unused[3];
};

/* Fragments behind the first have no ports. */
struct fragment_key {
	struct address source, destination;
	__u32 id;
	__u32 protocol;
};
struct fragment {
	struct address virtual; /* of an answer: address that replaces the server's */
	__u32 server;
	__u32 device; /* of an answer: interface towards the client; 0 on the way to the server */
};

/* Active connections of a server; src/datapath/bpf puts the true number there each second. */
struct load {
	__s32 count;
	__u32 is_full; /* it has been, and has not come down to its lower threshold since */
};

/* Clients that got no server, of one service. */
struct refusals {
	__u64 no_server, denied, over_limit;
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
	__u32 closings, opened, flags, unused;
	__u64 drain_ns;
};
#define LEASE_REAL_SERVER 1 /* this host is a real server of the same addresses, too */
#define ADDRESSES_MAX 4096
#define INSTANCES_MAX 256

MAP(addresses4, BPF_MAP_TYPE_HASH, 4, 4, ADDRESSES_MAX, 0);
MAP(addresses6, BPF_MAP_TYPE_HASH, 16, 4, ADDRESSES_MAX, 0);
MAP(leases, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct lease), INSTANCES_MAX, BPF_F_MMAPABLE);

MAP(services, BPF_MAP_TYPE_HASH, sizeof(struct endpoint), sizeof(struct service), LISTENS_MAX, 0);
MAP(ranges, BPF_MAP_TYPE_LPM_TRIE, sizeof(struct range), sizeof(struct service), RANGES_MAX,
    BPF_F_NO_PREALLOC);
MAP(clients, BPF_MAP_TYPE_LPM_TRIE, sizeof(struct client_network), 4, CLIENTS_MAX,
    BPF_F_NO_PREALLOC);
MAP(settings, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
MAP(servers, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct server), SERVERS_MAX, 0);
MAP(slots, BPF_MAP_TYPE_ARRAY, 4, 4, SLOTS_MAX, BPF_F_MMAPABLE);
/* Those of services stand behind those of servers. */
MAP(loads, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct load), SERVERS_MAX + SERVICES_MAX, 0);
MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct least), 1, 0);
MAP(turns, BPF_MAP_TYPE_ARRAY, 4, 4, SERVICES_MAX, 0);
MAP(connections4, BPF_MAP_TYPE_LRU_HASH, sizeof(struct flow4), sizeof(struct connection),
    CONNECTIONS_MAX, 0);
MAP(connections6, BPF_MAP_TYPE_LRU_HASH, sizeof(struct flow6), sizeof(struct connection),
    CONNECTIONS_MAX, 0);
/* Of which one packet has come: a flood of those displaces nobody who is known. */
MAP(openings4, BPF_MAP_TYPE_LRU_HASH, sizeof(struct flow4), sizeof(struct connection),
    CONNECTIONS_MAX, 0);
MAP(openings6, BPF_MAP_TYPE_LRU_HASH, sizeof(struct flow6), sizeof(struct connection),
    CONNECTIONS_MAX, 0);
MAP(persistents, BPF_MAP_TYPE_LRU_HASH, sizeof(struct client_key), sizeof(struct persistent),
    CONNECTIONS_MAX, 0);
MAP(real_servers, BPF_MAP_TYPE_HASH, sizeof(struct endpoint), sizeof(struct reply), SERVERS_MAX, 0);
MAP(replies, BPF_MAP_TYPE_LRU_HASH, sizeof(struct reply_flow), sizeof(struct reply),
    CONNECTIONS_MAX, 0);
MAP(fragments, BPF_MAP_TYPE_LRU_HASH, sizeof(struct fragment_key), sizeof(struct fragment),
    FRAGMENTS_MAX, 0);
MAP(server_counts, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct server_counters), SERVERS_MAX, 0);
MAP(service_refusals, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct refusals), SERVICES_MAX, 0);
MAP(drops, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 16, 0);

/* Bits of `settings`: what need not be looked for. */
#define SETTING_RANGES 1 /* there are ranges */
#define SETTING_ANY_PORT 2 /* there are real servers of masq at every port */
#define SETTING_MASQ 4     /* there are real servers of masq */

/* Index in `drops`; names in src/datapath/bpf/layout.ts. */
enum drop {
	DROP_NO_SERVER,
	DROP_TTL,
	DROP_LOST_SERVER,   /* of a fragment or an error: the server is gone */
	DROP_UNKNOWN_REPLY, /* from a real server, of no connection */
	DROP_STORE,         /* the packet could not be changed */
	DROP_TABLE,         /* the connection could not be noted */
	DROP_CLOSED,        /* answer from an address without a lease */
	DROP_DENIED,        /* `allow`, `deny` */
	DROP_LIMIT,         /* connection_limit */
	DROP_TOO_BIG,       /* for the way to the server; the sender may have been told */
};

#endif
