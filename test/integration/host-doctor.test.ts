/**
 * `doctor` on machines of a network: each thing that a test breaks is found, and is gone once it is
 * mended as the finding says.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createLan } from "../helpers/netns.ts";
import { prepareHost } from "../helpers/prepared-host.ts";
import type { PreparedHost } from "../helpers/prepared-host.ts";
import { requireAll, requireExecutable, requireNetns } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireAll(requireExecutable(), requireNetns());

const vip = "10.99.0.100";
const vip6 = "fd99::100";
const timeoutMs = 60_000;

interface Finding {
  readonly id: string;
  readonly text: string;
  readonly remedy: string;
}

/**
 * Exit status and findings of `doctor`, without the one that says how loaded this machine is: the
 * status is as if there were no such finding.
 */
async function examine(host: PreparedHost, args: readonly string[]) {
  const { status, stdout, stderr } = await host.run(["doctor", ...args, "--json"]);
  if (stdout === "") throw new Error(`doctor: status ${status}\n${stderr}`);
  const { findings, reports } = JSON.parse(stdout) as {
    findings: number;
    reports: { outcomes: (Finding & { state: string })[] }[];
  };
  const outcomes = reports.flatMap((report) => report.outcomes);
  const found = outcomes.filter(({ state }) => state === "wrong");
  expect([findings, status]).toEqual([found.length, found.length === 0 ? 0 : 1]);
  const wrong = found.filter(({ id }) => id !== "wake-ups");
  return { status: wrong.length === 0 ? 0 : 1, wrong, outcomes };
}

async function createScene<const Name extends string>(names: readonly Name[]) {
  const folder = createTempFolder();
  const lan = await createLan(names);
  const hosts = {} as Record<Name, PreparedHost>;
  for (const name of names) hosts[name] = await prepareHost(lan.hosts[name], folder.path);
  return {
    hosts,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await lan[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe.skipIf(needs.skip)("doctor realserver", () => {
  test(
    "finds each thing that is broken, and nothing once setup has mended it",
    async () => {
      await using scene = await createScene(["web"]);
      const { web } = scene.hosts;
      await web.serve("from web");
      const setup = ["setup", "realserver", "--vip", vip, vip6];
      expect((await web.run(setup)).status).toBe(0);
      expect(await examine(web, ["realserver"])).toMatchObject({ status: 0, wrong: [] });

      const unit = join(web.root, "etc/systemd/system/appliance-realserver.service");
      const faults: readonly (readonly [break_: () => unknown, id: string, text: string])[] = [
        [
          () =>
            web.shell(`for name in all eth0; do
              echo 0 > /proc/sys/net/ipv4/conf/$name/arp_ignore; done`),
          "arp-ignore",
          `arp_ignore of eth0 is 0: the host answers ARP for ${vip} there`,
        ],
        [
          // The larger value is in force, and 3 is no silence.
          () => web.shell("echo 3 > /proc/sys/net/ipv4/conf/eth0/arp_ignore"),
          "arp-ignore",
          `arp_ignore of eth0 is 3: the host answers ARP for ${vip} there`,
        ],
        [
          () =>
            web.shell(`for name in all eth0; do
              echo 0 > /proc/sys/net/ipv4/conf/$name/arp_announce; done`),
          "arp-announce",
          "arp_announce of eth0 is 0: the host tells the LAN in its own ARP requests",
        ],
        [
          () => web.shell(`ip address del ${vip}/32 dev lo`),
          "vip-on-lo",
          `${vip} is not on lo: packets for it are not taken`,
        ],
        [
          () => web.shell(`ip address del ${vip6}/128 dev lo`),
          "vip-on-lo",
          `${vip6} is not on lo: packets for it are not taken`,
        ],
        [() => rmSync(unit), "persistence", "not kept over a reboot: "],
      ];
      for (const [breakIt, id, text] of faults) {
        await breakIt();
        const { status, wrong } = await examine(web, ["realserver"]);
        expect(status).toBe(1);
        expect(wrong.map((one) => one.id)).toEqual([id]);
        expect(wrong[0]!.text).toStartWith(text);
        expect(wrong[0]!.remedy).toStartWith("appliance setup realserver --vip ");
        // Mended as the finding says, word for word.
        const words = wrong[0]!.remedy.split(" ").slice(1);
        expect((await web.run(words)).status).toBe(0);
        expect(await examine(web, ["realserver"])).toMatchObject({ status: 0, wrong: [] });
      }
    },
    timeoutMs,
  );

  test(
    "finds an address on a real interface, and the command that removes it",
    async () => {
      await using scene = await createScene(["web"]);
      const { web } = scene.hosts;
      await web.run(["setup", "realserver", "--vip", vip]);
      await web.shell(`ip address add ${vip}/24 dev eth0`);
      const { status, wrong } = await examine(web, ["realserver"]);
      expect([status, wrong]).toMatchObject([
        1,
        [{ id: "vip-elsewhere", remedy: `ip address del ${vip}/24 dev eth0` }],
      ]);
      await web.shell(wrong[0]!.remedy);
      expect(await examine(web, ["realserver"])).toMatchObject({ status: 0 });
    },
    timeoutMs,
  );

  test(
    "looks for a server at the ports of the configuration",
    async () => {
      await using scene = await createScene(["web"]);
      const { web } = scene.hosts;
      await web.run(["setup", "realserver", "--vip", vip]);
      const path = join(scene.folder, "appliance.toml");
      writeFileSync(
        path,
        `[[virtual_service]]\nname = "web"\nlisten = "${vip}:80"\ncheck = { type = "connect" }\n` +
          `real_servers = [{ address = "${web.host.address}:80" }]\n`,
      );
      const args = ["realserver", "--config", path];
      expect(await examine(web, args)).toMatchObject({
        status: 1,
        wrong: [{ id: "listener", text: `nothing listens at ${vip}, tcp port 80` }],
      });
      await web.serve("from web");
      expect(await examine(web, args)).toMatchObject({ status: 0 });
    },
    timeoutMs,
  );

  test(
    "needs no privileges",
    async () => {
      await using scene = await createScene(["web"]);
      const { web } = scene.hosts;
      const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const { status, stdout } = await web.run(["doctor", "realserver", "--vip", vip], asNobody);
      expect(status).toBe(1);
      expect(stdout).toContain(`mend: appliance setup realserver --vip ${vip}\n`);
      expect(stdout).toEndWith("to mend.\n");
    },
    timeoutMs,
  );
});

describe.skipIf(needs.skip)("doctor director", () => {
  test(
    "names the real server that answers for a virtual address, and is content once it is silent",
    async () => {
      await using scene = await createScene(["director", "web1", "web2"]);
      const { director, web1, web2 } = scene.hosts;
      const path = join(scene.folder, "appliance.toml");
      writeFileSync(
        path,
        `[[virtual_service]]\nname = "web"\nlisten = "${vip}:80"\ncheck = { type = "connect" }\n` +
          `real_servers = [{ address = "${web1.host.address}:80" }, ` +
          `{ address = "${web2.host.address}:80" }]\n`,
      );
      await director.shell(`ip address add ${vip}/24 dev eth0`);
      await web1.run(["setup", "realserver", "--vip", vip]);
      // The second one has the address, but nobody made it silent.
      await web2.shell(`ip address add ${vip}/32 dev lo`);
      const args = ["director", "--config", path];
      const found = await examine(director, args);
      expect(found.status).toBe(1);
      expect(found.wrong).toEqual([
        {
          id: "vip-answers",
          state: "wrong",
          text:
            `real server ${web2.host.address} (${await web2.hardwareAddress()}) ` +
            `answers the LAN for ${vip} on eth0`,
          remedy: `on ${web2.host.address}: appliance setup realserver --vip ${vip}`,
        },
      ]);
      const before = await director.shell("ip neigh show");
      const remedy = found.wrong[0]!.remedy.replace(/^.*: appliance /, "").split(" ");
      expect((await web2.run(remedy)).status).toBe(0);
      const clean = await examine(director, args);
      expect(clean).toMatchObject({ status: 0, wrong: [] });
      expect(clean.outcomes).toContainEqual(
        expect.objectContaining({ text: `nobody else answers for ${vip} on eth0` }),
      );
      // It asks beside the kernel's own table.
      expect(await director.shell("ip neigh show")).toBe(before);
    },
    timeoutMs,
  );

  test(
    "names the real server that answers for an IPv6 address",
    async () => {
      await using scene = await createScene(["director", "web"]);
      const { director, web } = scene.hosts;
      const path = join(scene.folder, "appliance.toml");
      writeFileSync(
        path,
        `[[virtual_service]]\nname = "web"\nlisten = "[${vip6}]:80"\ncheck = { type = "connect" }\n` +
          `real_servers = [{ address = "[${web.host.address6}]:80" }]\n`,
      );
      await director.shell(`ip address add ${vip6}/64 dev eth0 nodad`);
      await web.shell(`ip address add ${vip6}/64 dev eth0 nodad`);
      const args = ["director", "--config", path];
      const found = await examine(director, args);
      expect(found.wrong).toMatchObject([
        {
          id: "vip-answers",
          text:
            `real server ${web.host.address6} (${await web.hardwareAddress()}) ` +
            `answers the LAN for ${vip6} on eth0`,
        },
      ]);
      await web.shell(`ip address del ${vip6}/64 dev eth0`);
      expect((await web.run(["setup", "realserver", "--vip", vip6])).status).toBe(0);
      expect(await examine(director, args)).toMatchObject({ status: 0, wrong: [] });
    },
    timeoutMs,
  );

  test(
    "finds rules and files of nft, says what it may not look at",
    async () => {
      await using scene = await createScene(["director"]);
      const { director } = scene.hosts;
      const path = join(scene.folder, "appliance.toml");
      writeFileSync(
        path,
        `[[virtual_service]]\nname = "web"\nlisten = "${vip}:80"\ncheck = { type = "connect" }\n` +
          'real_servers = [{ address = "10.99.0.9:80" }]\n',
      );
      const etc = join(director.root, "etc");
      mkdirSync(join(etc, "systemd/system/sysinit.target.wants"), { recursive: true });
      writeFileSync(join(etc, "systemd/system/sysinit.target.wants/nftables.service"), "");
      writeFileSync(join(etc, "nftables.conf"), "flush ruleset\n");
      const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const { stdout } = await director.run(["doctor", "director", "--config", path], asNobody);
      expect(stdout).toContain("cannot ask by ARP on eth0");
      expect(stdout).toContain("bpf programs are not permitted here");
      expect(stdout).toContain('/etc/nftables.conf has "flush ruleset"');
      expect(stdout).toContain("WRONG    firewall-flush");
    },
    timeoutMs,
  );

  test(
    "setup director has nothing to do for the proxy",
    async () => {
      await using scene = await createScene(["director"]);
      const { director } = scene.hosts;
      const path = join(scene.folder, "appliance.toml");
      writeFileSync(
        path,
        `[[virtual_service]]\nname = "web"\nlisten = "${vip}:80"\ncheck = { type = "connect" }\n` +
          'real_servers = [{ address = "10.99.0.9:80" }]\n',
      );
      const before = await director.picture();
      const result = await director.run(["setup", "director", "--config", path]);
      expect(result).toEqual({
        status: 0,
        stdout: "Nothing to do: the host is as it should be.\n",
        stderr: "",
      });
      expect(await director.picture()).toBe(before);
    },
    timeoutMs,
  );
});
