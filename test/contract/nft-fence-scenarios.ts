/**
 * What test/contract/nft-fence.test.ts runs on the fenced host of its network. The other host, the
 * client, is entered by its name.
 *
 * Arguments: the scenario, the client's namespace.
 *
 * @module
 */
import { NetlinkError } from "../../src/netlink/index.ts";
import { openNftFence } from "../../src/netlink/nftables/index.ts";
import type { NftFence, NftFenceSettings } from "../../src/netlink/nftables/index.ts";
import { openRouteSocket } from "../../src/netlink/route/index.ts";
import { runScenario, sh } from "../helpers/netns-script.ts";

const client = ["ip", "netns", "exec", process.argv[3] ?? ""];
const deadlineMs = 5_000;

const vip = "10.99.0.100";
const vip6 = "fd99::100";
const other = "10.99.0.101";
const other6 = "fd99::101";

using route = openRouteSocket();
const eth0 = route.getLink("eth0")!;
const own = { address: "10.99.0.1", address6: "fd99::1" };
const peer = { address: "10.99.0.2", address6: "fd99::2" };

function isOk(...command: readonly string[]): boolean {
  return Bun.spawnSync([...command]).success;
}

/** Which answer a scenario waits for: an answer may be late, its absence need not be long. */
type Expected = "answer" | "silence";
const waitSeconds = { answer: "5", silence: "0.25" } as const;

/** True if an answer comes to one question. */
function ping(expected: Expected, from: readonly string[], ...args: readonly string[]): boolean {
  return isOk(...from, "ping", "-c", "1", "-W", waitSeconds[expected], ...args);
}

function flushNeighbours(): void {
  isOk(...client, "ip", "neigh", "flush", "all");
}

/** True if the client finds the address by asking the link. */
function find(address: string, expected: Expected): boolean {
  flushNeighbours();
  return ping(expected, client, address);
}

/** True if the client reaches the address through this node's hardware address. */
function reach(address: string, expected: Expected): boolean {
  flushNeighbours();
  const entry = ["ip", "neigh", "replace", address, "lladdr", eth0.mac, "dev", "eth0"];
  sh(...client, ...entry, "nud", "permanent");
  const isReached = ping(expected, client, address);
  sh(...client, "ip", "neigh", "del", address, "dev", "eth0");
  return isReached;
}

/** What the client gets either way. */
function ask(address: string, expected: Expected): { found: boolean; known: boolean } {
  return { found: find(address, expected), known: reach(address, expected) };
}

const answers = (address: string) => ask(address, "answer");
const isSilent = (address: string) => ask(address, "silence");
const everywhere = { found: true, known: true };
const nowhere = { found: false, known: false };

function addVips(): void {
  for (const address of [vip, other]) route.addAddress({ index: eth0.index, address });
  for (const address of [vip6, other6]) {
    route.addAddress({ index: eth0.index, address, noDad: true });
  }
}

function openFence(settings: NftFenceSettings = {}): NftFence {
  const fence = openNftFence("appliance", settings);
  fence.replace({
    devices: [eth0],
    instances: [
      { id: 1, addresses: [vip, vip6] },
      { id: 2, addresses: [other, other6] },
    ],
  });
  return fence;
}

/** Ruleset as nft lists it, without what differs from run to run and from version to version. */
function listing(): string {
  return sh("nft", "list", "ruleset")
    .replaceAll(/ # progname .*/g, "")
    .replaceAll(/ expires \S+/g, "")
    .replaceAll("icmpv6 taddr", "@th,64,128")
    .replaceAll("ether saddr", "@ll,48,48")
    .replaceAll(/gress_\d+/g, "gress_N");
}

async function until(isIt: () => boolean): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (performance.now() < end) {
    if (isIt()) return true;
    await Bun.sleep(20);
  }
  return false;
}

await runScenario({
  listing() {
    addVips();
    using fence = openFence();
    fence.renew(1, 60_000);
    return { ruleset: listing(), isInPlace: fence.isInPlace() };
  },

  async packets() {
    addVips();
    using fence = openFence();
    const states: Record<string, unknown> = {};
    states["closed"] = [vip, vip6].map(isSilent);
    states["own"] = [own.address, own.address6].map(answers);
    fence.renew(1, 60_000);
    states["open"] = [vip, vip6].map(answers);
    states["other"] = [other, other6].map(isSilent);
    states["from open"] = ping("answer", [], "-I", vip, peer.address);
    states["from other"] = ping("silence", [], "-I", other, peer.address);
    states["from other 6"] = ping("silence", [], "-I", other6, peer.address6);
    fence.shut(1);
    states["shut"] = [vip, vip6].map(isSilent);
    fence.renew(1, 300);
    fence.renew(1, 60_000);
    fence.renew(1, 400);
    states["ends"] = await until(() => !ping("silence", client, vip));
    states["ended"] = [vip, vip6].map(isSilent);
    fence.renew(1, 60_000);
    fence.close();
    states["after the owner"] = [answers(vip), isSilent(other)];
    using next = openFence();
    states["next owner"] = [vip, other, vip6, other6].map(isSilent);
    next.remove();
    states["removed"] = [vip, other, vip6, other6].map(answers);
    return { states, everywhere, nowhere };
  },

  /** A closed node asks the node that has the address, and hears it announced. */
  async clientOfTheAddress() {
    using _fence = openFence();
    sh(...client, "ip", "address", "add", `${vip}/32`, "dev", "eth0");
    sh(...client, "ip", "-6", "address", "add", `${vip6}/128`, "dev", "eth0", "nodad");
    const reached = [ping("answer", [], vip), ping("answer", [], vip6)];
    const old = ["lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "stale"];
    sh("ip", "neigh", "replace", vip, ...old);
    // An interface that changes its hardware address announces what it has by ARP requests.
    const notify = "echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_notify";
    sh(...client, "sh", "-c", notify);
    const link = "02:00:00:00:00:77";
    sh(...client, "ip", "link", "set", "eth0", "address", link);
    const heard = await until(() =>
      route.listNeighbours().some(({ address, mac }) => address === vip && mac === link),
    );
    return { reached, heard };
  },

  /** A closed node that is a real server serves what one hardware address forwards to it. */
  realServer() {
    addVips();
    // As `setup realserver` has it: on lo, and ARP names an address of the interface.
    const { index } = route.getLink("lo")!;
    for (const address of [vip, vip6]) {
      route.deleteAddress({ index: eth0.index, address });
      route.addAddress({ index, address, noDad: true });
    }
    sh("sh", "-c", "echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce");
    using fence = openNftFence("appliance");
    const served = { id: 1, addresses: [vip, vip6], isRealServer: true };
    const instances = [served, { id: 2, addresses: [other, other6] }];
    fence.replace({ devices: [eth0], instances });
    const stranger = [vip, vip6].map(isSilent);
    const mac = sh(...client, "cat", "/sys/class/net/eth0/address").trim();
    const peers = [Uint8Array.fromHex(mac.replaceAll(":", ""))];
    fence.replace({ devices: [eth0], instances, peers });
    const found = [vip, vip6].map((address) => find(address, "silence"));
    const forwarded = [vip, vip6].map((address) => reach(address, "answer"));
    const unserved = [other, other6].map(isSilent);
    const leases = [{ id: 2, timeoutMs: 60_000 }];
    fence.replace({ devices: [eth0], instances, peers, leases });
    return { stranger, found, forwarded, unserved, leased: answers(other) };
  },

  others() {
    addVips();
    using fence = openFence();
    const refusals: string[] = [];
    const note = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        refusals.push(error.message);
      }
    };
    sh("nft", "flush", "ruleset");
    const flushed = { isInPlace: fence.isInPlace(), closed: isSilent(vip) };
    using foreign = openNftFence("appliance");
    note(() => foreign.replace({ devices: [], instances: [] }));
    note(() => foreign.renew(1, 1_000));
    note(() => fence.renew(3, 1_000));
    return { flushed, foreign: foreign.isInPlace(), refusals, closed: isSilent(vip) };
  },

  /** As on a kernel before 6.9, where a table with an owner would go with it. */
  nobodys() {
    addVips();
    using fence = openFence({ isOwned: false });
    fence.renew(1, 60_000);
    const states: Record<string, unknown> = { open: answers(vip), closed: isSilent(other) };
    fence.close();
    states["after its maker"] = [answers(vip), isSilent(other)];
    using next = openFence({ isOwned: false });
    states["next maker"] = [isSilent(vip), isSilent(other), next.isInPlace()];
    sh("nft", "flush", "ruleset");
    states["flushed"] = [answers(vip), next.isInPlace()];
    return states;
  },

  devices() {
    addVips();
    using fence = openFence();
    sh("ip", "link", "add", "v0", "type", "veth", "peer", "v1");
    const v0 = route.getLink("v0")!;
    const hooks = () =>
      listing()
        .split("\n")
        .filter((line) => line.includes('"v0"')).length;
    const counts = [hooks()];
    fence.addDevice(v0);
    counts.push(hooks());
    const removed = [fence.removeDevice(v0.index), fence.removeDevice(v0.index)];
    counts.push(hooks());
    fence.addDevice(v0);
    route.deleteLink(v0.index);
    // Kernels before 6.16 removed the chains with the device, newer ones keep them.
    fence.removeDevice(v0.index);
    counts.push(hooks());
    const isFenced = [fence.isInPlace(), isSilent(vip).found];
    // Another set of instances; nothing of the first is left.
    fence.renew(1, 60_000);
    fence.replace({ devices: [eth0], instances: [{ id: 9, addresses: [vip] }] });
    const replaced = [isSilent(vip).found, answers(other).found];
    fence.renew(9, 60_000);
    return { counts, removed, isFenced, replaced, opened: answers(vip).found };
  },

  manyAddresses() {
    const addresses = Array.from({ length: 1_200 }, (_, n) => `10.50.${n >> 8}.${n & 255}`);
    using fence = openNftFence("appliance");
    fence.replace({ devices: [eth0], instances: [{ id: 1, addresses }] });
    const elements = /map vips4 \{[^}]*elements = \{([^}]*)\}/.exec(listing())?.[1] ?? "";
    return elements.split(",").length;
  },
});
