/**
 * The fall-back fence against the running kernel: what nft lists, and what a client on the LAN
 * gets. Each test has a network of its own.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { scenarioResult } from "../helpers/netns-script.ts";
import { createLan } from "../helpers/netns.ts";
import { requireNftFence } from "../helpers/require-fence.ts";

const needs = requireNftFence();
const path = new URL("nft-fence-scenarios.ts", import.meta.url).pathname;
/** Several pings that get no answer, on a machine that may be busy. */
const timeoutMs = 60_000;

async function run(scenario: string): Promise<unknown> {
  await using lan = await createLan(["fenced", "client"]);
  const { fenced, client } = lan.hosts;
  const command = [process.execPath, path, scenario, client.netns];
  const { status, stdout, stderr } = await fenced.run(command);
  if (status !== 0) throw new Error(`${scenario} ended with ${status}: ${stderr}${stdout}`);
  return scenarioResult(stdout);
}

const ruleset = `table netdev appliance {
	flags owner

	set open_1 {
		type nf_proto
		flags timeout
		elements = { 5 timeout 1m }
	}

	set open_2 {
		type nf_proto
		flags timeout
	}

	map vips4 {
		type ipv4_addr : verdict
		elements = { 10.99.0.100 : jump instance_1, 10.99.0.101 : jump instance_2 }
	}

	map vips6 {
		type ipv6_addr : verdict
		elements = { fd99::100 : jump instance_1,
			     fd99::101 : jump instance_2 }
	}

	set announced {
		type ipv4_addr
		elements = { 10.99.0.100, 10.99.0.101 }
	}

	set served4 {
		type ipv4_addr
	}

	set served6 {
		type ipv6_addr
	}

	set peers {
		type ether_addr
	}

	chain instance_1 {
		meta nfproto != @open_1 drop
	}

	chain instance_2 {
		meta nfproto != @open_2 drop
	}

	chain egress {
		arp saddr ip vmap @vips4
		icmpv6 type nd-neighbor-advert @th,64,128 vmap @vips6
		icmpv6 type nd-neighbor-solicit ip6 saddr vmap @vips6
		ip saddr @served4 accept
		ip6 saddr @served6 accept
		ip saddr vmap @vips4
		ip6 saddr vmap @vips6
	}

	chain ingress {
		arp operation request arp saddr ip @announced accept
		arp operation request arp daddr ip vmap @vips4
		icmpv6 type nd-neighbor-solicit @th,64,128 vmap @vips6
		ip daddr @served4 @ll,48,48 @peers accept
		ip6 daddr @served6 @ll,48,48 @peers accept
		ip daddr vmap @vips4
		ip6 daddr vmap @vips6
	}

	chain egress_N {
		type filter hook egress device "eth0" priority -2147483548; policy accept;
		jump egress
	}

	chain ingress_N {
		type filter hook ingress device "eth0" priority -2147483548; policy accept;
		jump ingress
	}
}
`;

describe.skipIf(needs.skip)("fence of nf_tables", () => {
  test(
    "nft lists what was made",
    async () => {
      expect(await run("listing")).toEqual({ ruleset, isInPlace: true });
    },
    timeoutMs,
  );

  test(
    "an address answers while its lease runs, and only then",
    async () => {
      const { states, everywhere, nowhere } = (await run("packets")) as Record<string, unknown>;
      expect(states).toEqual({
        closed: [nowhere, nowhere],
        own: [everywhere, everywhere],
        open: [everywhere, everywhere],
        other: [nowhere, nowhere],
        "from open": true,
        "from other": false,
        "from other 6": false,
        shut: [nowhere, nowhere],
        ends: true,
        ended: [nowhere, nowhere],
        "after the owner": [everywhere, nowhere],
        "next owner": [nowhere, nowhere, nowhere, nowhere],
        removed: [everywhere, everywhere, everywhere, everywhere],
      });
    },
    timeoutMs,
  );

  test(
    "a closed node is a client of the address, and hears it announced",
    async () => {
      expect(await run("clientOfTheAddress")).toEqual({ reached: [true, true], heard: true });
    },
    timeoutMs,
  );

  test(
    "a closed real server serves what its director forwards, and only that",
    async () => {
      const nowhere = { found: false, known: false };
      expect(await run("realServer")).toEqual({
        stranger: [nowhere, nowhere],
        found: [false, false],
        forwarded: [true, true],
        unserved: [nowhere, nowhere],
        leased: { found: true, known: true },
      });
    },
    timeoutMs,
  );

  test(
    "a foreign flush does not open it, and another process cannot change it",
    async () => {
      const nowhere = { found: false, known: false };
      expect(await run("others")).toEqual({
        flushed: { isInPlace: true, closed: nowhere },
        foreign: false,
        refusals: [
          "Cannot make the fence appliance: EPERM",
          "Cannot renew the lease of instance 1: EPERM",
          "Cannot renew the lease of instance 3: ENOENT",
        ],
        closed: nowhere,
      });
    },
    timeoutMs,
  );

  test(
    "a table that nobody owns stays too, until a foreign flush",
    async () => {
      const everywhere = { found: true, known: true };
      const nowhere = { found: false, known: false };
      expect(await run("nobodys")).toEqual({
        open: everywhere,
        closed: nowhere,
        "after its maker": [everywhere, nowhere],
        "next maker": [nowhere, nowhere, true],
        flushed: [everywhere, false],
      });
    },
    timeoutMs,
  );

  test(
    "devices come and go, and another fence takes the place of one",
    async () => {
      expect(await run("devices")).toEqual({
        counts: [0, 2, 0, 0],
        removed: [true, false],
        isFenced: [true, false],
        replaced: [false, true],
        opened: true,
      });
    },
    timeoutMs,
  );

  test(
    "more addresses than fit one message are all fenced",
    async () => {
      expect(await run("manyAddresses")).toBe(1_200);
    },
    timeoutMs,
  );
});
