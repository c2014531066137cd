/** What one virtual server becomes: directives in, native keys and warnings out. */
import { describe, expect, test } from "bun:test";

import { parse } from "smol-toml";

import { forwardingDefault } from "../../../../../src/config/import/keepalived/forwarding.ts";
import { importKeepalived } from "../../../../../src/config/import/keepalived/index.ts";
import { reasonOf } from "../../../../../src/config/import/keepalived/no-equal.ts";
import { isOn } from "../../../../../src/config/import/keepalived/real-server.ts";

type Table = Readonly<Record<string, unknown>>;

const server = "real_server 192.0.2.11 80 {\n}";

function read(text: string) {
  const { toml, warnings, problems } = importKeepalived(text, "a.conf");
  const table = parse(toml) as { readonly virtual_service?: readonly Table[] };
  const told = [...warnings, ...problems].map(({ line, message }) => `${line}: ${message}`);
  return {
    services: table.virtual_service ?? [],
    notes: told,
  };
}

/** A service of one line more than its server; the line has number 2. */
function withLine(line: string, head = "192.0.2.100 80") {
  const { services, notes } = read(`virtual_server ${head} {\n${line}\n${server}\n}`);
  return { service: services[0] ?? {}, services, notes };
}

describe("virtual_server", () => {
  test("has the defaults of keepalived, not those of here", () => {
    expect(withLine("")).toEqual({
      service: {
        name: "192.0.2.100:80",
        listen: "192.0.2.100:80",
        forwarding: "masq",
        check: { type: "on" },
        real_servers: [{ address: "192.0.2.11:80" }],
      },
      services: expect.anything(),
      notes: [],
    });
    expect(forwardingDefault).toBe("masq");
  });

  test.each<[string, Table]>([
    ["lb_algo wrr", { scheduler: "wrr" }],
    ["lvs_sched mh", { scheduler: "mh" }],
    ["lvs_method NAT", { forwarding: "masq" }],
    ["persistence_timeout 50", { persistent: "50s" }],
    ["persistence_timeout", { persistent: "6m" }],
    [
      "persistence_timeout 1\npersistence_granularity 255.255.255.0",
      { persistent: "1s", persistence_mask: 24 },
    ],
    ["quorum 1", { quorum: 1 }],
    ['quorum_up "/bin/up a"', { quorum_up: ["/bin/up", "a"] }],
    ["quorum_down /bin/down", { quorum_down: "/bin/down" }],
    ["inhibit_on_failure", { quiescent: true }],
    ["sorry_server 192.0.2.9 8080", { fallback: "192.0.2.9:8080" }],
    ["alpha", {}],
    ["protocol TCP", {}],
    ["protocol udp\nops", { protocol: "udp", one_packet: true, name: "192.0.2.100:80/udp" }],
  ])("translates %p without a word", (line, expected) => {
    const { service, notes } = withLine(line);
    expect(service).toMatchObject(expected);
    expect(notes).toEqual([]);
  });

  test.each<[string, string, Table]>([
    ["lb_algo twos", 'lb_algo "twos" is left out: it is no scheduler; it is wlc', {}],
    [
      "lb_kind FNAT",
      'lb_kind "FNAT" is left out: expected NAT, DR or TUN; it is masq, as in keepalived',
      { forwarding: "masq" },
    ],
    [
      "persistence_timeout 0",
      'persistence_timeout is left out: expected seconds, 1s to 24d, got "0"',
      {},
    ],
    [
      "persistence_granularity 255.255.255.0",
      "persistence_granularity is left out: there is no persistence_timeout",
      {},
    ],
    ["quorum 0", 'quorum is left out: expected a number 1..4294967295, got "0"', {}],
    ["ops", "ops is left out: expected protocol UDP above it", {}],
    ["quorum_up relative", 'quorum_up is left out: expected an absolute path, got "relative"', {}],
    ["sorry_server <ip> 1", 'sorry_server is left out: "<ip> 1" is no address and port', {}],
    ["hysteresis 2", `"hysteresis" of virtual_server is left out: ${reasonOf("hysteresis")}`, {}],
    ["ha_suspend", `"ha_suspend" of virtual_server is left out: ${reasonOf("ha_suspend")}`, {}],
    ["weigth 3", '"weigth" of virtual_server is left out: it is unknown or has no equal here', {}],
    [
      "constructor 3",
      '"constructor" of virtual_server is left out: it is unknown or has no equal here',
      {},
    ],
  ])("warns of %p", (line, note, expected) => {
    const { service, notes } = withLine(line);
    expect(service).toMatchObject(expected);
    expect(notes).toEqual([`2: ${note}`]);
  });

  test("leaves out what is neither TCP nor UDP", () => {
    const { services, notes } = withLine("protocol SCTP");
    expect(services).toEqual([]);
    expect(notes).toContain(
      '1: virtual_server is left out: protocol "SCTP" is neither TCP nor UDP',
    );
  });
});

describe("what a virtual server listens on", () => {
  test.each<[string, Table]>([
    ["2001:db8::1 80", { name: "[2001:db8::1]:80", listen: "[2001:db8::1]:80" }],
    ["192.0.2.100 80-82", { listen: "192.0.2.100:80-82" }],
    ["192.0.2.100", { listen: "192.0.2.100:0" }],
    ["fwmark 7", { name: "fwmark-7", fwmark: 7 }],
  ])("%p", (head, expected) => {
    expect(withLine("", head).service).toMatchObject(expected);
  });

  test("words after the port are told", () => {
    expect(withLine("", "192.0.2.100 80 dev eth0").notes).toEqual([
      '1: "dev eth0" after virtual_server is left out',
    ]);
  });

  test("a group is one service for its addresses and one for each mark", () => {
    const { services } = read(
      `virtual_server group G {\n${server}\n}\n` +
        "virtual_server_group G {\n192.0.2.1-2 80\n192.0.2.9 81\nfwmark 3\n}",
    );
    expect(services.map(({ name, listen, fwmark }) => [name, listen ?? fwmark])).toEqual([
      ["G", ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.9:81"]],
      ["G-fwmark-3", 3],
    ]);
  });

  test.each([
    ["group none", '1: There is no virtual_server_group "none": the virtual_server is left out'],
    ["www 80", '1: "www 80" is left out: expected an address and a port'],
    ["fwmark 0", '1: fwmark is left out: expected 1..4294967295, got "0"'],
  ])("%p is left out", (head, note) => {
    const { services, notes } = withLine("", head);
    expect(services).toEqual([]);
    expect(notes[0]).toBe(note);
  });
});

describe("real_server", () => {
  function servers(text: string, kind = "NAT") {
    const { services, notes } = read(
      `virtual_server 192.0.2.100 80 {\nlb_kind ${kind}\n${text}\n}`,
    );
    return { service: services[0] ?? {}, notes };
  }

  test("keeps weight and thresholds", () => {
    const { service, notes } = servers(
      "real_server 192.0.2.11 8080 {\nweight 3\nuthreshold 100\nlthreshold 50\n}",
    );
    expect(service["real_servers"]).toEqual([
      { address: "192.0.2.11:8080", weight: 3, upper_threshold: 100, lower_threshold: 50 },
    ]);
    expect(notes).toEqual([]);
  });

  test("runs notify_up and notify_down of a single server for the service", () => {
    const { service } = servers(
      "real_server 192.0.2.11 80 {\nnotify_up /bin/up\nnotify_down /bin/down\n}",
    );
    expect(service).toMatchObject({ on_service_up: "/bin/up", on_service_down: "/bin/down" });
  });

  test("warns of notify_up of several servers", () => {
    const { notes } = servers(`${server}\nreal_server 192.0.2.12 80 {\nnotify_up /bin/up\n}`);
    expect(notes).toEqual([
      "6: notify_up is left out: programs run for a service, " +
        "see on_service_up and on_service_down",
    ]);
  });

  test("is quiescent only if all servers are", () => {
    const quiet = "real_server 192.0.2.12 80 {\ninhibit_on_failure\n}";
    expect(servers(quiet).service["quiescent"]).toBe(true);
    const { service, notes } = servers(`${server}\n${quiet}`);
    expect(service["quiescent"]).toBeUndefined();
    expect(notes).toEqual([
      "5: inhibit_on_failure is left out: not all real servers of the service have it",
    ]);
  });

  test("with DR has no port of its own, but is checked there", () => {
    const { service } = servers("real_server 192.0.2.11 8080 {\nTCP_CHECK {\n}\n}", "DR");
    expect(service["real_servers"]).toEqual([{ address: "192.0.2.11" }]);
    expect(service["check"]).toMatchObject({ type: "connect", port: 8080 });
  });

  test("without an address is left out, and then its service", () => {
    const { service, notes } = servers("real_server <ip> 80 {\n}");
    expect(service).toEqual({});
    expect(notes.slice(0, 2)).toEqual([
      '3: real_server is left out: "<ip> 80" is no address and port',
      "1: virtual_server is left out: it has no real_server that can be used",
    ]);
  });

  test.each([
    [[], true],
    [["on"], true],
    [["false"], false],
    [["No"], false],
  ])("isOn() of words %p is %p", (words, expected) => {
    expect(isOn({ file: "a", line: 1, words: ["k", ...words], block: undefined })).toBe(expected);
  });
});
