/** What instances, groups and scripts become: directives in, native keys and warnings out. */
import { describe, expect, test } from "bun:test";

import { parse } from "smol-toml";

import {
  createGlobals,
  globalTables,
  readGlobals,
} from "../../../../../src/config/import/keepalived/global.ts";
import { importKeepalived } from "../../../../../src/config/import/keepalived/index.ts";
import { readTree } from "../../../../../src/config/import/keepalived/tree.ts";
import { createNotes } from "../../../../../src/config/import/notes.ts";

type Table = Readonly<Record<string, unknown>>;

const ownNotes = /not in this build yet|Expected at least one|Expected the key interface/;

function read(text: string) {
  const { toml, warnings, problems } = importKeepalived(text, "a.conf");
  const table = parse(toml) as { readonly vrrp?: readonly Table[] };
  const told = [...warnings, ...problems].map(({ line, message }) => `${line}: ${message}`);
  return { vrrp: table.vrrp ?? [], notes: told.filter((note) => !ownNotes.test(note)) };
}

/** An instance; `line` is its line 6. */
function withLine(line: string, around = "") {
  const base = "virtual_router_id 51\nvirtual_ipaddress {\n192.0.2.100\n}";
  const device = line.startsWith("interface ") ? "" : "interface eth0\n";
  const { vrrp, notes } = read(`vrrp_instance A {\n${base}\n${line}\n${device}}\n${around}`);
  return { instance: vrrp[0] ?? {}, notes };
}

describe("vrrp_instance", () => {
  test("has the defaults of keepalived, not those of here", () => {
    expect(withLine("")).toEqual({
      instance: {
        name: "A",
        interface: "eth0",
        vrid: 51,
        version: 2,
        priority: 100,
        addresses: ["192.0.2.100"],
        auth: "none",
        advertise_interval: "1s",
        preempt: true,
      },
      notes: [],
    });
  });

  test.each<[string, Table]>([
    ["state BACKUP", { preempt: true }],
    ["interface eth0", { interface: "eth0" }],
    ["priority 150", { priority: 150 }],
    ["advert_int 2", { advertise_interval: "2s" }],
    ["version 3\nadvert_int 0.25", { advertise_interval: "250ms" }],
    ["version 3", { version: 3 }],
    ["nopreempt", { preempt: false }],
    ["preempt_delay 300", { preempt_delay: "5m" }],
    ["authentication {\nauth_type PASS\nauth_pass 123456789\n}", { auth_pass: "12345678" }],
    ["unicast_peer {\n192.0.2.3\n}", { peers: ["192.0.2.3"] }],
    ["virtual_ipaddress_excluded {\n192.0.2.7/24\n}", { excluded_addresses: ["192.0.2.7/24"] }],
    [
      "virtual_ipaddress {\n192.0.2.1/24 dev eth1 label eth1:1\n}",
      { addresses: [{ address: "192.0.2.1/24", interface: "eth1", label: "eth1:1" }] },
    ],
    ["virtual_ipaddress {\n2001:db8::1/64\n}", { version: 3 }],
    ["notify_master /bin/up", { on_active: "/bin/up" }],
    ["track_interface {\neth1\n}", { track: [{ interface: "eth1" }] }],
  ])("translates %p without a word", (line, expected) => {
    const { instance, notes } = withLine(line);
    expect(instance).toMatchObject(expected);
    expect(notes).toEqual([]);
  });

  test.each<[string, Table, string]>([
    [
      "state ACTIVE",
      {},
      '6: state "ACTIVE" is left out: the priority decides, and each director starts as backup',
    ],
    [
      "priority 100,x",
      { priority: 100 },
      '6: priority is left out: expected a number 1..255, got "100,x"',
    ],
    ["interface a/b", {}, '6: interface is left out: "a/b" cannot be one'],
    [
      "authentication {\nauth_type AH\nauth_pass x\n}",
      { auth: "none" },
      '7: auth_type "AH" is left out: use key_file on both directors',
    ],
    ["unicast_peer {\nxxx\n}", {}, '7: "xxx" is no address: it is left out'],
    [
      "virtual_ipaddress {\n192.0.2.1 brd + dev eth0\n}",
      {},
      '7: "brd +" after the address is left out',
    ],
    [
      "notify /bin/n",
      { notify: "/bin/n" },
      "6: notify finds what happened in its environment, not in its arguments",
    ],
    [
      "notify_backup /bin/b",
      {},
      '6: "notify_backup" of vrrp_instance is left out: notify runs at each change and says which one it is',
    ],
    [
      "track_interface {\neth1 weight 5\n}",
      {},
      "7: weight is left out: what is tracked makes the whole director unfit when it fails",
    ],
    [
      "track_script {\nnone\n}",
      {},
      '7: There is no vrrp_script "none" that can be used: it is left out',
    ],
    [
      "use_vmac",
      {},
      '6: "use_vmac" of vrrp_instance is left out: virtual addresses stay on the interface and are announced',
    ],
  ])("warns of %p", (line, expected, note) => {
    const { instance, notes } = withLine(line);
    expect(instance).toMatchObject(expected);
    expect(notes).toEqual([note]);
  });

  test("takes addresses back in spite of nopreempt if it starts as the active one", () => {
    const { instance, notes } = withLine("nopreempt\nstate ACTIVE");
    expect(instance["preempt"]).toBe(true);
    expect(notes[1]).toBe("6: nopreempt is left out, as keepalived does beside this state");
  });

  test("has group and script of other blocks, wherever they stand", () => {
    const around =
      "vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\n" +
      'vrrp_script S {\nscript "/bin/ok a"\ninterval 2\ntimeout 1\nweight 0\n}';
    const { instance, notes } = withLine("track_script {\nS\n}", around);
    expect(instance).toMatchObject({
      group: "G",
      track: [{ script: ["/bin/ok", "a"], interval: "2s", timeout: "1s" }],
    });
    expect(notes).toEqual([]);
  });

  test.each([
    ["vrrp_instance {\n}", "name"],
    ["vrrp_instance A {\n}", "virtual_router_id"],
    ["vrrp_instance A {\nvirtual_router_id 1\n}", "virtual address"],
  ])("%p is left out", (text, what) => {
    const { vrrp, notes } = read(text);
    expect(vrrp).toEqual([]);
    expect(notes).toEqual([`1: vrrp_instance is left out: it has no ${what} that can be used`]);
  });

  test("a script without a program is left out", () => {
    expect(read("vrrp_script S {\ninterval 1\n}").notes).toEqual([
      '1: vrrp_script "S" is left out',
    ]);
  });
});

describe("global_defs", () => {
  test("gives user, timeouts, version and interface", () => {
    const notes = createNotes();
    const globals = createGlobals();
    const text =
      "global_defs {\nscript_user ha\nlvs_timeouts tcp 900 tcpfin 10 udp 15\n" +
      "vrrp_version 3\ndefault_interface eth1\n}";
    for (const one of readTree({ file: "a", text }, notes)) readGlobals(one, globals, notes);
    expect(globalTables(globals)).toEqual({
      director: { script_user: "ha" },
      defaults: { timeouts: { idle: "15m", half_closed: "10s", udp_idle: "15s" } },
    });
    expect([globals.version, globals.interface]).toEqual([3, "eth1"]);
    expect(notes.finish("a").warnings).toEqual([]);
  });

  test.each([
    ["lvs_timeouts tcp x", 'lvs_timeouts "tcp x" is left out: expected tcp, tcpfin or udp'],
    ["script_user a b", '"b" after script_user is left out'],
    [
      "router_id x",
      '"router_id" of global_defs is left out: the director uses the name of the host',
    ],
  ])("warns of %p", (line, note) => {
    expect(read(`global_defs {\n${line}\n}`).notes).toEqual([`2: ${note}`]);
  });
});
