/**
 * `setup realserver` on machines of a network: what the LAN hears, what clients get, what is left
 * when it is taken back.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { createLan } from "../helpers/netns.ts";
import { findNeighbour, prepareHost, readPrepared } from "../helpers/prepared-host.ts";
import type { PreparedHost } from "../helpers/prepared-host.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireAll(requireExecutable(), requireNetns(), requirePeer("curl", "ping"));

const vip = "10.99.0.100";
const vip6 = "fd99::100";
const timeoutMs = 60_000;

/** A client and a real server that serves `from web`. */
async function createScene() {
  const folder = createTempFolder();
  const lan = await createLan(["client", "web"]);
  const client = await prepareHost(lan.hosts.client, folder.path);
  const web = await prepareHost(lan.hosts.web, folder.path);
  return {
    client,
    web,
    async [Symbol.asyncDispose]() {
      await lan[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** What a client gets at an address whose neighbour it was told. */
async function fetchBy(client: PreparedHost, address: string, hardware: string): Promise<string> {
  await client.shell(`ip neigh replace ${address} lladdr ${hardware} dev eth0 nud permanent`);
  const host = address.includes(":") ? `[${address}]` : address;
  const { stdout } = await client.host.run(["curl", "-s", "-m", "5", `http://${host}/`]);
  await client.shell(`ip neigh del ${address} dev eth0`);
  return stdout;
}

describe.skipIf(needs.skip)("setup realserver", () => {
  test(
    "serves a virtual address that the LAN does not hear of",
    async () => {
      await using scene = await createScene();
      const { client, web } = scene;
      const hardware = await web.hardwareAddress();
      await web.serve("from web");
      // As it is done without care: the address is on lo, and the LAN is answered.
      await web.shell(`ip address add ${vip}/32 dev lo label lo:0`);
      expect(await findNeighbour(client, vip)).toBe(hardware);
      const setup = await web.run(["setup", "realserver", "--vip", vip]);
      expect([setup.status, setup.stderr]).toEqual([0, ""]);
      expect(await findNeighbour(client, vip)).toBe("");
      // Its own address is answered for, and a director's packets are taken.
      expect(await findNeighbour(client, web.host.address)).toBe(hardware);
      expect(await fetchBy(client, vip, hardware)).toBe("from web");
    },
    timeoutMs,
  );

  test(
    "does not tell of the address in its own ARP requests",
    async () => {
      await using scene = await createScene();
      const { client, web } = scene;
      await web.serve("from web");
      await web.shell(`ip address add ${vip}/32 dev lo label lo:0`);
      const { address } = web.host;
      const hardware = await web.hardwareAddress();
      // The client asks for nobody, so that the real server has to ask for the client.
      await client.shell(`ip neigh replace ${address} lladdr ${hardware} dev eth0 nud permanent`);
      await client.shell(`ip route add ${vip} via ${address}`);
      const heardOf = async (): Promise<boolean> => {
        await web.shell("ip neigh flush all");
        const { stdout } = await client.host.run(["curl", "-s", "-m", "5", `http://${vip}/`]);
        expect(stdout).toBe("from web");
        return (await client.shell("ip neigh show")).includes(`${vip} `);
      };
      expect(await heardOf()).toBe(true);
      expect((await web.run(["setup", "realserver", "--vip", vip])).status).toBe(0);
      await client.shell(`ip neigh del ${vip} dev eth0`);
      expect(await heardOf()).toBe(false);
    },
    timeoutMs,
  );

  test(
    "serves an IPv6 address that the LAN does not hear of",
    async () => {
      await using scene = await createScene();
      const { client, web } = scene;
      const hardware = await web.hardwareAddress();
      await web.serve("from web");
      await web.shell(`ip -6 address add ${vip6}/64 dev eth0 nodad`);
      expect(await findNeighbour(client, vip6)).toBe(hardware);
      const refused = await web.run(["setup", "realserver", "--vip", vip6]);
      expect([refused.status, refused.stderr]).toEqual([
        65,
        `appliance setup: ${vip6} is on eth0, where this host answers for it; if it is not needed ` +
          `there: ip address del ${vip6}/64 dev eth0\n`,
      ]);
      await web.shell(`ip address del ${vip6}/64 dev eth0`);
      expect((await web.run(["setup", "realserver", "--vip", vip6])).status).toBe(0);
      expect(await web.shell("ip -o -6 address show dev lo")).toContain(`${vip6}/128 scope global`);
      expect(await findNeighbour(client, vip6)).toBe("");
      expect(await fetchBy(client, vip6, hardware)).toBe("from web");
    },
    timeoutMs,
  );

  test(
    "changes nothing the second time, nor for --dry-run, and --undo restores what it found",
    async () => {
      await using scene = await createScene();
      const { web } = scene;
      await web.shell("echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_announce");
      // One address is there before: it is adopted, and outlives the undo.
      await web.shell("ip address add 10.99.0.101/32 dev lo label lo:5");
      const before = await web.picture();
      const setup = ["setup", "realserver", "--vip", vip, "10.99.0.101", vip6];
      const dry = await web.run([...setup, "--dry-run"]);
      expect(dry.stdout).toContain(`add    ${vip}/32 on lo as lo:0\n`);
      expect(await web.picture()).toBe(before);

      expect((await web.run(setup)).status).toBe(0);
      const after = await web.picture();
      expect(after).toContain(`${vip}/32 scope global lo:0`);
      expect(after).toContain("10.99.0.101/32 scope global lo:5");
      const again = await web.run(setup);
      expect([again.status, again.stdout]).toEqual([
        0,
        "Nothing to do: the host is as it should be.\n",
      ]);
      expect(await web.picture()).toBe(after);

      const undone = await web.run(["setup", "realserver", "--undo"]);
      expect([undone.status, undone.stderr]).toEqual([0, ""]);
      expect(undone.stdout).toContain("10.99.0.101 was on lo before the setup, and stays\n");
      expect(await web.picture()).toBe(before);
      const nothing = await web.run(["setup", "realserver", "--undo"]);
      expect(nothing.stdout).toBe("Nothing to take back.\n");
    },
    timeoutMs,
  );

  test(
    "writes a unit whose command makes the host the same after a reboot",
    async () => {
      await using scene = await createScene();
      const { web } = scene;
      expect((await web.run(["setup", "realserver", "--vip", vip, vip6])).status).toBe(0);
      const prepared = await web.picture();
      await web.shell(`ip address del ${vip}/32 dev lo; ip address del ${vip6}/128 dev lo
        for name in all eth0; do echo 0 > /proc/sys/net/ipv4/conf/$name/arp_ignore; done`);
      const unit = readPrepared(web, "/etc/systemd/system/appliance-realserver.service");
      const command = /^ExecStart=(.*)$/m.exec(unit)![1]!;
      const boot = await web.host.run(command.split(" "), { env: web.environment });
      expect([boot.status, boot.stderr]).toEqual([0, ""]);
      expect(await web.picture()).toBe(prepared);
      // What is taken back afterwards is what the very first run found.
      expect((await web.run(["setup", "realserver", "--undo"])).status).toBe(0);
      expect(await web.shell("cat /proc/sys/net/ipv4/conf/all/arp_ignore")).toBe("0\n");
    },
    timeoutMs,
  );

  test(
    "changes nothing without privileges, exit status 77",
    async () => {
      await using scene = await createScene();
      const { web } = scene;
      const before = await web.picture();
      const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const setup = await web.run(["setup", "realserver", "--vip", vip], asNobody);
      expect(setup.status).toBe(77);
      expect(setup.stderr).toContain("CAP_NET_ADMIN is missing");
      expect(setup.stderr).toContain("nothing was changed");
      expect(await web.picture()).toBe(before);
    },
    timeoutMs,
  );

  test(
    "takes back what it did when a later step fails",
    async () => {
      await using scene = await createScene();
      const { web } = scene;
      const before = await web.picture();
      // A folder where a file is to be.
      mkdirSync(join(web.root, "etc/sysctl.d/60-appliance-realserver.conf"), { recursive: true });
      const setup = await web.run(["setup", "realserver", "--vip", vip]);
      expect(setup.status).toBe(69);
      expect(setup.stderr).toContain("everything is as it was before");
      const left = (await web.picture()).replace(/^.*\.conf\.new\n/m, "");
      expect(left).toBe(before);
    },
    timeoutMs,
  );

  test(
    "refuses what would cut the host off, all of it at once",
    async () => {
      await using scene = await createScene();
      const { web, client } = scene;
      await web.shell(`ip route add default via ${client.host.address}`);
      const before = await web.picture();
      const vips = [web.host.address, client.host.address, "10.99.0.255", "127.0.0.1"];
      const setup = await web.run(["setup", "realserver", "--vip", ...vips]);
      expect([setup.status, setup.stdout]).toEqual([65, ""]);
      expect(setup.stderr.split("\n")).toEqual([
        `appliance setup: ${web.host.address} is the address from which this host reaches its default gateway (eth0)`,
        `${client.host.address} is a gateway of this host (eth0)`,
        "10.99.0.255 is the broadcast address of 10.99.0.0/24, the network of eth0",
        "127.0.0.1 is a loopback address",
        "",
      ]);
      expect(await web.picture()).toBe(before);
    },
    timeoutMs,
  );
});
