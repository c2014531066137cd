/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * What becomes of connections, told while it happens: src/datapath/bpf copies it to the other
 * director. A connection is told when it is established, so that a flood of first packets tells
 * nothing, and again when its state changes.
 *
 * A ring that is full loses nothing that lasts: the next packet of the connection tries again. How
 * often it was full is counted, and then the whole table is looked through.
 */
#ifndef APPLIANCE_BALANCER_EVENTS_H
#define APPLIANCE_BALANCER_EVENTS_H

#include "balancer-packet.h"

/* Room for 87,000 connections of IPv4; a reader comes ten times a second. */
#define EVENTS_BYTES (4 << 20)

MAP(events, BPF_MAP_TYPE_RINGBUF, 0, 0, EVENTS_BYTES, 0);
MAP(event_words, BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0);
enum event_word {
	EVENT_IS_READ, /* not 0 while somebody reads */
	EVENT_LOST,    /* how often the ring was full */
};

/* Told apart by their lengths. */
struct event4 {
	struct flow4 flow;
	struct connection connection;
};
struct event6 {
	struct flow6 flow;
	struct connection connection;
};

/* Beside the state that was told, or that nobody wanted to know. */
#define TOLD 0x80

INLINE __u64 *event_word(__u32 which)
{
	return bpf_map_lookup_elem(&event_words, &which);
}

INLINE long put_event(const void *flow, const struct connection *connection, const int six)
{
	if (six) {
		struct event6 event = {*(const struct flow6 *)flow, *connection};

		return bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP);
	} else {
		struct event4 event = {*(const struct flow4 *)flow, *connection};

		return bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP);
	}
}

/* `flow` is the key of the connection. */
INLINE void tell(const void *flow, struct connection *connection, const int six)
{
	const __u8 told = connection->state | TOLD;
	__u64 *is_read, *lost;

	if (connection->told == told)
		return;
	is_read = event_word(EVENT_IS_READ);
	if (is_read && *is_read && put_event(flow, connection, six)) {
		lost = event_word(EVENT_LOST);
		if (lost)
			__sync_fetch_and_add(lost, 1);
		return;
	}
	connection->told = told;
}

#endif
