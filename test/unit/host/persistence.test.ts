import { describe, expect, test } from "bun:test";

import {
  fileSteps,
  formatSysctlFile,
  keepsAll,
  linkSteps,
  realServerFiles,
  realServerPaths,
} from "../../../src/host/persistence.ts";
import type { KeptRealServer } from "../../../src/host/persistence.ts";

const kept: KeptRealServer = {
  addresses: [
    { address: "192.0.2.100", label: "lo:0" },
    { address: "2001:db8::100", label: "lo" },
  ],
  values: new Map([
    ["net/ipv4/conf/all/arp_ignore", "1"],
    ["net/ipv4/conf/eth0.7/arp_ignore", "1"],
  ]),
  tunnels: [],
  method: "gate",
  program: ["/opt/my programs/appliance"],
  environment: { APPLIANCE_STATE_DIR: "/srv/100%" },
};

function textOf(init: "systemd" | "ifupdown", path: string, of = kept): string {
  return realServerFiles(of, init).files.find((file) => file.path === path)!.text;
}

describe("realServerFiles()", () => {
  test("has a drop-in for sysctl that keeps interface names whole", () => {
    expect(textOf("systemd", realServerPaths.sysctl)).toBe(
      `# Written by "appliance setup realserver"; "appliance setup realserver --undo" takes it back.
net.ipv4.conf.all.arp_ignore = 1
net/ipv4/conf/eth0.7/arp_ignore = 1
`,
    );
    expect(formatSysctlFile(new Map(), "x")).toContain('"appliance x --undo"');
  });

  test("has a unit that runs setup once at each boot, its words quoted for systemd", () => {
    const text = textOf("systemd", realServerPaths.unit);
    expect(text).toContain(
      'ExecStart="/opt/my programs/appliance" setup realserver --vip 192.0.2.100 --vip 2001:db8::100 --method gate --no-persist\n',
    );
    expect(text).toContain("Environment=APPLIANCE_STATE_DIR=/srv/100%%\n");
    expect(text).toContain("Type=oneshot\nRemainAfterExit=yes\n");
    expect(realServerFiles(kept, "systemd").links).toEqual([
      { path: realServerPaths.link, text: realServerPaths.unit },
    ]);
  });

  test("has stanzas for ifupdown, silence before the first address", () => {
    expect(textOf("ifupdown", realServerPaths.stanza)).toBe(
      `# Written by "appliance setup realserver"; "appliance setup realserver --undo" takes it back.
auto lo:0
iface lo:0 inet static
    address 192.0.2.100
    netmask 255.255.255.255
    pre-up sysctl -q -e -p /etc/sysctl.d/60-appliance-realserver.conf

auto lo
iface lo inet6 manual
    up ip -6 address replace 2001:db8::100/128 dev lo nodad
    down ip -6 address del 2001:db8::100/128 dev lo
`,
    );
    expect(realServerFiles(kept, "ifupdown").links).toEqual([]);
  });

  test("loads the tunnel of ipip in the stanza", () => {
    const tunnels = [{ module: "ipip", interface: "tunl0" }];
    expect(textOf("ifupdown", realServerPaths.stanza, { ...kept, tunnels })).toContain(
      "    pre-up modprobe ipip && ip link set tunl0 up\n",
    );
  });

  test("leaves the interface lo itself alone when an address has no alias", () => {
    const addresses = [{ address: "192.0.2.100", label: "lo" }];
    expect(textOf("ifupdown", realServerPaths.stanza, { ...kept, addresses })).toContain(
      `iface lo inet manual
    pre-up sysctl -q -e -p /etc/sysctl.d/60-appliance-realserver.conf
    up ip -4 address replace 192.0.2.100/32 dev lo
`,
    );
  });

  test("has nothing where nothing known starts the host", () => {
    expect(realServerFiles(kept, "none")).toEqual({ files: [], links: [] });
  });
});

test("fileSteps() and linkSteps() name what differs", () => {
  const files = [
    { path: "/a", text: "same" },
    { path: "/b", text: "new" },
    { path: "/c", text: "other" },
  ];
  const found: Record<string, string> = { "/a": "same", "/c": "old" };
  expect(fileSteps(files, (path) => found[path])).toEqual([
    { kind: "file", path: "/b", from: undefined, to: "new" },
    { kind: "file", path: "/c", from: "old", to: "other" },
  ]);
  expect(linkSteps(files, (path) => found[path]).map(({ kind }) => kind)).toEqual(["link", "link"]);
});

describe("keepsAll()", () => {
  const unit = textOf("systemd", realServerPaths.unit);
  const sysctl = textOf("systemd", realServerPaths.sysctl);
  const file = (path: string, from: string | undefined, to: string) =>
    keepsAll({ kind: "file", path, from, to });

  test("is true of a unit of an executable elsewhere, and of other interfaces", () => {
    const other = unit
      .replace('"/opt/my programs/appliance"', "/usr/sbin/appliance")
      .replace(/^Environment=.*\n/m, "");
    expect(file(realServerPaths.unit, other, unit)).toBe(true);
    const fewer = sysctl.replace(/^net\/ipv4.*\n/m, "");
    expect(file(realServerPaths.sysctl, fewer, sysctl)).toBe(true);
  });

  test("is false of what lacks an address or a setting, or is missing", () => {
    const fewer = unit.replace(" --vip 192.0.2.100", "");
    expect(file(realServerPaths.unit, fewer, unit)).toBe(false);
    expect(file(realServerPaths.sysctl, sysctl.replace("= 1", "= 0"), sysctl)).toBe(false);
    expect(file(realServerPaths.unit, undefined, unit)).toBe(false);
    expect(file(realServerPaths.stanza, "old", "new")).toBe(false);
    expect(keepsAll({ kind: "up", interface: "lo" })).toBe(false);
  });
});
