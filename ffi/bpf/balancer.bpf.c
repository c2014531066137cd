/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * The balancer: takes packets of virtual services at TC ingress and sends them on to a real server,
 * by direct routing (gate) or address translation (masq), and translates the answers of masq back.
 * Attached by src/datapath/bpf, behind the fence. A packet that is not ours goes to the next program
 * and up the stack (TCX_NEXT and TC_ACT_UNSPEC are both -1).
 *
 * Packets are read by bpf_skb_load_bytes and changed by bpf_skb_store_bytes, so they may be in any
 * number of pieces. Neighbours are the kernel's work: bpf_redirect_neigh. Every packet that is sent
 * on has its TTL lowered, so that two directors that name each other end the game.
 *
 * One source for both families: `const int six` is folded by the compiler.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#include "balancer-maps.h"
#include "bpf-helpers.h"

#define PASS -1
#define DROP 2 /* TC_ACT_SHOT, TCX_DROP */

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16
#define TCP_CHECKSUM_OFFSET 16
#define UDP_CHECKSUM_OFFSET 6
#define PORTS_BYTES 4
#define FRAGMENT_MORE be16(0x2000)
#define FRAGMENT_OFFSET be16(0x1fff)
#define ICMP_UNREACHABLE 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER 12
#define ICMP_BYTES 8
#define ICMP_CHECKSUM_OFFSET 2
#define ICMPV6 58
#define ICMPV6_ERROR_LAST 4

#define AF_INET 2
#define AF_INET6 10

/* A packet of a service, as far as its headers were read. */
struct packet {
	struct address source, destination;
	__u16 ports[2];
	__u16 header_bytes; /* IP header */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 ttl;
	struct iphdr ip;
};

INLINE int drop(enum drop reason)
{
	__u32 index = reason;
	__u64 *value = bpf_map_lookup_elem(&drops, &index);

	if (value)
		*value += 1;
	return DROP;
}

INLINE __u32 now_s(void)
{
	return bpf_ktime_get_coarse_ns() / 1000000000ull;
}

/* True if the address is fenced and its lease does not run. */
INLINE int is_closed(const struct address *address, const int six)
{
	__u32 *instance = six ? bpf_map_lookup_elem(&addresses6, address->words)
			      : bpf_map_lookup_elem(&addresses4, &address->words[0]);
	struct lease *lease;

	if (!instance)
		return 0;
	lease = bpf_map_lookup_elem(&leases, instance);
	return !lease || lease->closings != lease->opened || lease->end_ns <= bpf_ktime_get_ns();
}

/* ---- tables ---------------------------------------------------------------------------------- */

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

/* ---- schedulers ------------------------------------------------------------------------------ */

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

INLINE void add_load(__u32 index, int difference)
{
	int *load = bpf_map_lookup_elem(&loads, &index);

	if (load)
		__sync_fetch_and_add(load, difference);
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

/* ---- sending --------------------------------------------------------------------------------- */

INLINE __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* A checksum after `from` became `to` (RFC 1624). */
INLINE __u16 checksum16(__u16 checksum, __u16 from, __u16 to)
{
	return ~fold_sum((__u16)~checksum + (__u32)(__u16)~from + to);
}

INLINE __u16 checksum32(__u16 checksum, __u32 from, __u32 to)
{
	checksum = checksum16(checksum, (__u16)from, (__u16)to);
	return checksum16(checksum, from >> 16, to >> 16);
}

INLINE void lower_ttl(struct iphdr *ip)
{
	const __u16 before = ip->ttl;

	ip->ttl -= 1;
	/* TTL is the first byte of its word in network order: the low one here. */
	ip->check = checksum16(ip->check, before, ip->ttl);
}

INLINE int send_gate(struct __sk_buff *skb, struct packet *packet, const struct server *server,
		     const int six)
{
	struct bpf_redir_neigh hop = {};
	const __u32 device = server->device;

	if (server->flags & SERVER_LOCAL)
		return PASS;
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (six) {
		const __u8 limit = packet->ttl - 1;

		hop.nh_family = AF_INET6;
		__builtin_memcpy(hop.ipv6_nh, server->address.words, 16);
		if (bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, hop_limit), &limit,
					1, BPF_F_RECOMPUTE_CSUM))
			return drop(DROP_STORE);
	} else {
		hop.nh_family = AF_INET;
		hop.ipv4_nh = server->address.words[0];
		lower_ttl(&packet->ip);
		/* TTL, protocol, checksum. */
		if (bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl),
					&packet->ip.ttl, 4, 0))
			return drop(DROP_STORE);
	}
	return bpf_redirect_neigh(device, &hop, sizeof(hop), 0);
}

/* Writes the IP header with one address replaced, and one port with the checksum over both. */
INLINE int translate(struct __sk_buff *skb, struct packet *packet, const int is_reply,
		     __u32 address, __u16 port)
{
	struct iphdr *ip = &packet->ip;
	const __u32 old = is_reply ? ip->saddr : ip->daddr;
	const __u16 old_port = packet->ports[is_reply ? 0 : 1];
	const __u32 transport = ETH_HLEN + packet->header_bytes;
	const int is_udp = packet->protocol == IPPROTO_UDP;
	const __u32 checksum = transport + (is_udp ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET);
	/* A UDP checksum of 0 says that there is none. */
	const __u64 flags = is_udp ? BPF_F_MARK_MANGLED_0 : 0;

	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	lower_ttl(ip);
	ip->check = checksum32(ip->check, old, address);
	if (is_reply)
		ip->saddr = address;
	else
		ip->daddr = address;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, ip, sizeof(*ip), 0) ||
	    bpf_l4_csum_replace(skb, checksum, old, address, BPF_F_PSEUDO_HDR | flags | 4))
		return drop(DROP_STORE);
	if (port != old_port &&
	    (bpf_l4_csum_replace(skb, checksum, old_port, port, flags | 2) ||
	     bpf_skb_store_bytes(skb, transport + (is_reply ? 0 : 2), &port, 2, 0)))
		return drop(DROP_STORE);
	return PASS;
}

INLINE int send_masq(struct __sk_buff *skb, struct packet *packet, const struct server *server)
{
	const __u32 device = server->device;

	if (translate(skb, packet, 0, server->address.words[0], server->port) == DROP)
		return DROP;
	return bpf_redirect_neigh(device, 0, 0, 0);
}

/* ---- from the client ------------------------------------------------------------------------- */

INLINE int is_opening(const struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

INLINE void note_fragment(const struct packet *packet, const struct fragment *fragment)
{
	struct fragment_key key = {packet->ip.saddr, packet->ip.daddr, packet->ip.id,
				   packet->protocol, 0};

	bpf_map_update_elem(&fragments, &key, fragment, BPF_ANY);
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

INLINE int forward(struct __sk_buff *skb, struct packet *packet, const struct server *server,
		   __u32 index, const int six)
{
	if (!six && (packet->ip.frag_off & FRAGMENT_MORE)) {
		struct fragment fragment = {index, 0, 0};

		note_fragment(packet, &fragment);
	}
	if (!six && (server->flags & SERVER_MASQ))
		return send_masq(skb, packet, server);
	return send_gate(skb, packet, server, six);
}

INLINE int begin(struct __sk_buff *skb, struct packet *packet, struct service *service,
		 const int six)
{
	struct connection connection = {.seen_s = now_s(), .device = skb->ifindex};
	struct server *server;

	if (service->flags & SERVICE_DRAINS)
		return PASS;
	server = schedule(service, packet, &connection);
	if (!server) {
		__u32 id = service->id;
		__u64 *refused = bpf_map_lookup_elem(&refusals, &id);

		if (refused)
			*refused += 1;
		return drop(DROP_NO_SERVER);
	}
	if (note_connection(packet, &connection, six))
		return drop(DROP_TABLE);
	if (server->flags & SERVER_SHARED)
		note_reply(packet, server);
	add_load(connection.server, 1);
	count_in(skb, connection.server, 1);
	return forward(skb, packet, server, connection.server, six);
}

/* ---- from the real server -------------------------------------------------------------------- */

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

INLINE int balance(struct __sk_buff *skb, struct packet *packet, const int six)
{
	struct connection *connection = find_connection(packet, six);
	struct endpoint key;
	struct service *service;

	if (connection) {
		const __u32 index = connection->server;
		struct server *server = find_server(index, connection->generation);
		/* A client may use its port again while the old connection is still here. */
		const int is_over = connection->state && is_opening(packet);

		if (server && !is_over) {
			if (is_closed(&packet->destination, six))
				return PASS;
			follow(connection, packet, STATE_CLIENT_CLOSED);
			if (connection->device != skb->ifindex)
				connection->device = skb->ifindex;
			count_in(skb, index, 0);
			return forward(skb, packet, server, index, six);
		}
	}
	key.address = packet->destination;
	key.port = packet->ports[1];
	key.protocol = packet->protocol;
	key.is_six = six;
	service = bpf_map_lookup_elem(&services, &key);
	if (service)
		return is_closed(&packet->destination, six) ? PASS : begin(skb, packet, service, six);
	return six ? PASS : answer(skb, packet);
}

/* ---- errors and fragments (IPv4) ------------------------------------------------------------- */

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

/* A fragment behind the first; one that overtook it goes up the stack. */
INLINE int balance_fragment(struct __sk_buff *skb, struct packet *packet)
{
	struct fragment_key key = {packet->ip.saddr, packet->ip.daddr, packet->ip.id,
				   packet->protocol, 0};
	struct fragment *fragment = bpf_map_lookup_elem(&fragments, &key);
	struct iphdr *ip = &packet->ip;
	struct server *server;
	__u32 index, device;

	if (!fragment)
		return PASS;
	index = fragment->server;
	server = bpf_map_lookup_elem(&servers, &index);
	if (!server || !(server->flags & SERVER_PRESENT))
		return drop(DROP_LOST_SERVER);
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (fragment->virtual) {
		struct address virtual = {{fragment->virtual, 0, 0, 0}};

		if (is_closed(&virtual, 0))
			return drop(DROP_CLOSED);
		count_out(skb, index);
		device = fragment->device;
		ip->check = checksum32(ip->check, ip->saddr, fragment->virtual);
		ip->saddr = fragment->virtual;
	} else {
		if (is_closed(&packet->destination, 0))
			return PASS;
		count_in(skb, index, 0);
		if (!(server->flags & SERVER_MASQ))
			return send_gate(skb, packet, server, 0);
		device = server->device;
		ip->check = checksum32(ip->check, ip->daddr, server->address.words[0]);
		ip->daddr = server->address.words[0];
	}
	lower_ttl(ip);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, ip, sizeof(*ip), 0))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, 0, 0, 0);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The first words of UDP, or of TCP up to its flags. */
#define TRANSPORT_WORDS 7

INLINE void note_transport(struct packet *packet, const __u16 *words)
{
	packet->ports[0] = words[0];
	packet->ports[1] = words[1];
	if (packet->protocol == IPPROTO_TCP)
		packet->tcp_flags = words[6] >> 8;
}

/* Ports, and the flags of TCP. Not 0 if there are none. */
INLINE int read_transport(struct __sk_buff *skb, struct packet *packet)
{
	const __u32 at = ETH_HLEN + packet->header_bytes;
	__u16 words[TRANSPORT_WORDS] = {};

	if (packet->protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, at, words, sizeof(words)))
			return -1;
	} else if (packet->protocol == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, at, words, 8))
			return -1;
	} else {
		return -1;
	}
	note_transport(packet, words);
	return 0;
}

/* Reads both headers at once where there are no options: nearly always. */
INLINE int take_ipv4(struct __sk_buff *skb)
{
	struct packet packet = {};
	struct iphdr *ip = &packet.ip;
	struct {
		struct iphdr ip;
		__u16 words[TRANSPORT_WORDS];
	} head;
	int is_whole = !bpf_skb_load_bytes(skb, ETH_HLEN, &head, sizeof(head));

	if (is_whole)
		*ip = head.ip;
	else if (bpf_skb_load_bytes(skb, ETH_HLEN, ip, sizeof(*ip)))
		return PASS;
	if (ip->version != 4 || ip->ihl < 5)
		return PASS;
	packet.source.words[0] = ip->saddr;
	packet.destination.words[0] = ip->daddr;
	packet.header_bytes = ip->ihl * 4;
	packet.protocol = ip->protocol;
	packet.ttl = ip->ttl;
	if (ip->frag_off & FRAGMENT_OFFSET)
		return balance_fragment(skb, &packet);
	if (ip->protocol == IPPROTO_ICMP)
		return balance_error(skb, &packet);
	if (is_whole && ip->ihl == 5 &&
	    (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP)) {
		note_transport(&packet, head.words);
		return balance(skb, &packet, 0);
	}
	return read_transport(skb, &packet) ? PASS : balance(skb, &packet, 0);
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

/* Extension headers are not looked through: such packets go up the stack. */
INLINE int take_ipv6(struct __sk_buff *skb)
{
	struct packet packet = {};
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.version != 6)
		return PASS;
	__builtin_memcpy(&packet.source, &ip.saddr, 16);
	__builtin_memcpy(&packet.destination, &ip.daddr, 16);
	packet.header_bytes = sizeof(ip);
	packet.protocol = ip.nexthdr;
	packet.ttl = ip.hop_limit;
	if (ip.nexthdr == ICMPV6)
		return balance_error6(skb, &packet);
	return read_transport(skb, &packet) ? PASS : balance(skb, &packet, 1);
}

SECTION("tc_ingress") int balance_ingress(struct __sk_buff *skb)
{
	switch (skb->protocol) {
	case be16(ETH_P_IP):
		return take_ipv4(skb);
	case be16(ETH_P_IPV6):
		return take_ipv6(skb);
	default:
		return PASS;
	}
}

char object_license[] SECTION("license") = "Dual BSD/GPL";
