/**
 * What test/contract/netlink-route.test.ts runs inside a network namespace: calls of this program
 * and, as a second opinion, iproute2.
 *
 * @module
 */
import { EPOLLIN } from "../../ffi/constants/epoll.ts";
import { NETLINK_ROUTE } from "../../ffi/constants/netlink.ts";
import { RTM_GETADDR } from "../../ffi/constants/rtnetlink.ts";
import { AF_INET } from "../../ffi/constants/socket.ts";
import { Poller } from "../../ffi/epoll.ts";
import { isRefusal, NetlinkError, openNetlink } from "../../src/netlink/index.ts";
import type { Decoded } from "../../src/netlink/index.ts";
import { openRouteMonitor, openRouteSocket } from "../../src/netlink/route/index.ts";
import type { RouteEvent, RouteMonitor, RouteSocket } from "../../src/netlink/route/index.ts";
import { runScenario, sh } from "../helpers/netns-script.ts";

/** Longest wait for what must happen, ms. */
const deadlineMs = 5_000;

function ipJson(...args: readonly string[]): Record<string, unknown>[] {
  return JSON.parse(sh("ip", "-j", ...args)) as Record<string, unknown>[];
}

function makeVeth(): { readonly v0: number; readonly v1: number } {
  sh("ip", "link", "add", "v0", "type", "veth", "peer", "v1");
  using route = openRouteSocket();
  return { v0: route.getLink("v0")!.index, v1: route.getLink("v1")!.index };
}

/** Addresses of an interface as iproute2 shows them, without the kernel's own. */
function addressesOf(name: string): unknown[] {
  const info = ipJson("-d", "address", "show", "dev", name)[0]!["addr_info"];
  return (info as Record<string, unknown>[]).filter(({ scope }) => scope !== "link");
}

function decodeNothing(): Decoded<undefined> {
  return { ok: true, value: undefined };
}

/** One line an event. */
function line(event: RouteEvent): string {
  if ("link" in event) {
    const { name, isUp, hasCarrier } = event.link;
    return `${event.type} ${name}${isUp ? " up" : ""}${hasCarrier ? " carrier" : ""}`;
  }
  return `${event.type} ${event.address.address}/${event.address.prefixBits}`;
}

/** Takes events until one satisfies, in an epoll loop as the real-time thread has it. */
function until(monitor: RouteMonitor, isIt: (event: RouteEvent) => boolean): string[] {
  const poller = new Poller(4);
  poller.add(monitor.fd, EPOLLIN, 0);
  const lines: string[] = [];
  const found: RouteEvent[] = [];
  while (found.length === 0) {
    if (poller.wait(deadlineMs) === 0) throw new Error(`Nothing more came after ${lines.join()}`);
    monitor.drain((event) => {
      lines.push(line(event));
      if (isIt(event)) found.push(event);
    });
  }
  poller.close();
  return lines;
}

/** Interfaces as iproute2 shows them. */
function theirLinks(): unknown[] {
  return ipJson("-d", "link").map((link) => {
    const info = (link["linkinfo"] ?? {}) as Record<string, unknown>;
    const flags = link["flags"] as string[];
    return {
      index: link["ifindex"],
      name: link["ifname"],
      mac: link["address"],
      mtu: link["mtu"],
      kind: info["info_kind"],
      port: info["info_slave_kind"],
      master: link["master"],
      state: String(link["operstate"]).toLowerCase(),
      isUp: flags.includes("UP"),
      // Only said of interfaces that are up.
      isDark: flags.includes("NO-CARRIER"),
    };
  });
}

/** The same, as this program reads them. */
function ourLinks(route: RouteSocket): unknown[] {
  const all = route.listLinks();
  const nameOf = (index: number | undefined) => all.find((link) => link.index === index)?.name;
  return all.map((link) => ({
    index: link.index,
    name: link.name,
    mac: link.mac,
    mtu: link.mtu,
    kind: link.kind,
    port: link.portKind,
    master: nameOf(link.masterIndex),
    state: link.operationalState,
    isUp: link.isUp,
    isDark: link.isUp && !link.hasCarrier,
  }));
}

await runScenario({
  async links() {
    makeVeth();
    sh("ip", "link", "add", "br0", "type", "bridge");
    sh("ip", "link", "set", "v0", "master", "br0", "up");
    sh("ip", "link", "set", "v1", "address", "02:00:00:00:00:07", "mtu", "1400", "up");
    using route = openRouteSocket();
    // States settle a moment after the commands; the two are read one after the other.
    const end = performance.now() + deadlineMs;
    let [theirs, ours] = [theirLinks(), ourLinks(route)];
    while (!Bun.deepEquals(theirs, ours) && performance.now() < end) {
      await Bun.sleep(10);
      [theirs, ours] = [theirLinks(), ourLinks(route)];
    }
    const single = route
      .listLinks()
      .map(({ index, name }) => [
        route.getLink(name)?.index === index,
        route.getLink(index)?.name === name,
      ]);
    return { theirs, ours, single, none: route.getLink("none") ?? "none" };
  },

  upAndDown() {
    const { v0, v1 } = makeVeth();
    using route = openRouteSocket();
    const state = () => [route.getLink(v0)!, route.getLink(v1)!].map((link) => link.isUp);
    const states = [state()];
    route.setLinkUp(v0, true);
    states.push(state());
    route.setLinkUp(v1, true);
    states.push(state());
    const carrier = [route.getLink(v0)!.hasCarrier];
    route.setLinkUp(v1, false);
    carrier.push(route.getLink(v0)!.hasCarrier);
    const deleted = [route.deleteLink(v0), route.deleteLink(v0)];
    return { states, carrier, deleted, left: ipJson("link").map(({ ifname }) => ifname) };
  },

  addresses() {
    const { v0, v1 } = makeVeth();
    using route = openRouteSocket();
    route.setLinkUp(v0, true);
    route.setLinkUp(v1, true);
    const vip = { index: v0, address: "192.0.2.100", label: "v0:1", protocol: 77 };
    route.addAddress({ ...vip, noPrefixRoute: true });
    route.addAddress({ index: v0, address: "198.51.100.1", prefixBits: 24, scope: "link" });
    const v6 = { index: v0, address: "2001:db8::64", protocol: 77, noDad: true };
    route.addAddress({ ...v6, preferredSeconds: 0 });
    const theirs = ipJson("-d", "address", "show", "dev", "v0")[0]!["addr_info"];
    const ours = route.listAddresses(v0).filter(({ protocol }) => protocol === 77);
    // Again: changes what is there.
    route.addAddress({ ...vip, noPrefixRoute: true, validSeconds: 60, preferredSeconds: 30 });
    const changed = route.listAddresses(v0).find(({ address }) => address === vip.address);
    const deleted = [route.deleteAddress(vip), route.deleteAddress(vip), route.deleteAddress(v6)];
    return { theirs, ours, changed, deleted, left: addressesOf("v0") };
  },

  routes() {
    const { v0, v1 } = makeVeth();
    using route = openRouteSocket();
    for (const index of [v0, v1]) route.setLinkUp(index, true);
    route.addAddress({ index: v0, address: "192.0.2.1", prefixBits: 24 });
    route.addAddress({ index: v0, address: "192.0.2.100" });
    sh("ip", "route", "add", "default", "via", "192.0.2.254", "src", "192.0.2.100", "mtu", "1400");
    sh("ip", "route", "add", "blackhole", "203.0.113.0/24", "metric", "7");
    sh("ip", "neigh", "add", "192.0.2.254", "lladdr", "02:00:00:00:00:09", "dev", "v0");
    return {
      list: route.listRoutes(4),
      far: route.getRoute({ to: "198.51.100.7" }),
      near: route.getRoute({ to: "192.0.2.9" }),
      theirs: ipJson("route", "get", "198.51.100.7")[0],
      none: route.getRoute({ to: "2001:db8::1" }) ?? "none",
      neighbours: route.listNeighbours().filter(({ state }) => state === "permanent"),
      v0,
    };
  },

  events() {
    using monitor = openRouteMonitor();
    using route = openRouteSocket();
    sh("ip", "link", "add", "v0", "type", "veth", "peer", "v1");
    sh("ip", "link", "add", "br0", "type", "bridge");
    sh("ip", "link", "set", "v0", "up");
    sh("ip", "address", "add", "192.0.2.1/24", "dev", "v0");
    sh("ip", "-6", "address", "add", "2001:db8::1/64", "dev", "v0", "nodad");
    sh("ip", "link", "set", "v0", "master", "br0");
    sh("ip", "link", "set", "v0", "nomaster");
    sh("ip", "address", "del", "192.0.2.1/24", "dev", "v0");
    sh("ip", "link", "set", "v1", "up");
    const before = until(
      monitor,
      (event) => event.type === "link-set" && event.link.name === "v0" && event.link.hasCarrier,
    );
    route.deleteLink(route.getLink("v0")!.index);
    const after = until(monitor, (event) => event.type === "link-gone" && event.link.name === "v0");
    return { before, after };
  },

  thousandAddresses() {
    const { v0 } = makeVeth();
    using route = openRouteSocket();
    const wanted: string[] = [];
    for (let count = 0; count < 1_000; count++) {
      const address = `10.${Math.floor(count / 250)}.${count % 250}.1`;
      wanted.push(address);
      route.addAddress({ index: v0, address, protocol: 77 });
    }
    const found = route.listAddresses(v0).map(({ address }) => address);
    return {
      isSame: Bun.deepEquals(found.toSorted(), wanted.toSorted()),
      count: found.length,
      theirs: addressesOf("v0").length,
    };
  },

  overrun() {
    const { v0 } = makeVeth();
    // The smallest buffer the kernel gives: a few notices.
    using monitor = openRouteMonitor({ receiveBytes: 1 });
    using route = openRouteSocket();
    for (let count = 0; count < 100; count++) {
      route.addAddress({ index: v0, address: `10.0.0.${count + 1}` });
    }
    let events = 0;
    const first = monitor.drain(() => events++);
    const known = route.listAddresses(v0).length;
    // From here on nothing is lost any more.
    route.addAddress({ index: v0, address: "10.0.1.1" });
    const lines: string[] = [];
    const second = monitor.drain((event) => lines.push(line(event)), deadlineMs);
    return { first, isSome: events > 0 && events < 100, known, second, lines };
  },

  refusals() {
    const { v0 } = makeVeth();
    using route = openRouteSocket();
    route.deleteLink(v0);
    const failures: unknown[] = [];
    const note = (act: () => unknown): void => {
      try {
        failures.push(act());
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        const { code, errnoName, kernelText, message } = error;
        failures.push({ code, errnoName, kernelText, message, is: isRefusal(error, 19, 22) });
      }
    };
    note(() => route.addAddress({ index: v0, address: "192.0.2.1" }));
    note(() => route.addAddress({ index: 1, address: "192.0.2.1", prefixBits: 33 }));
    note(() => route.setLinkUp(v0, true));
    note(() => route.deleteAddress({ index: v0, address: "192.0.2.1" }));
    note(() => route.listAddresses(v0));
    // Words that every kernel with strict checks has: the head must be all zeros but the family.
    using socket = openNetlink(NETLINK_ROUTE);
    const payload = Uint8Array.of(AF_INET, 1, 0, 0, 0, 0, 0, 0);
    const wrong = { operation: "list addresses", type: RTM_GETADDR, payload };
    note(() => socket.dump(wrong, decodeNothing));
    return { failures, v0 };
  },

  /** A list is read while another process changes it. */
  async restless() {
    const { v0 } = makeVeth();
    const lines = Array.from({ length: 3_000 }, (_, count) => {
      const address = `10.${count >> 8}.${count & 255}.1/32`;
      return `address add ${address} dev v0`;
    });
    using route = openRouteSocket();
    const child = Bun.spawn(["ip", "-batch", "-"], { stdin: new Blob([lines.join("\n")]) });
    let lists = 0;
    let isSorted = true;
    let last = 0;
    while (child.exitCode === null) {
      try {
        const count = route.listAddresses(v0).length;
        isSorted &&= count >= last;
        last = count;
        lists++;
      } catch (error) {
        if (!(error instanceof NetlinkError) || error.code !== "NETLINK_INTERRUPTED") throw error;
      }
      await Bun.sleep(1);
    }
    return { isSorted, some: lists > 0, end: route.listAddresses(v0).length };
  },
});
