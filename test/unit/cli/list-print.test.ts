import { describe, expect, test } from "bun:test";

import { UsageError } from "../../../src/cli/arguments.ts";
import { connectionsMax } from "../../../src/cli/client.ts";
import { printList } from "../../../src/cli/list-print.ts";
import type { ListSource } from "../../../src/cli/list-print.ts";
import type { ListRequest } from "../../../src/cli/list-request.ts";
import { runInContext } from "../../helpers/cli-fixture.ts";
import { snapshotConnections, snapshotServices } from "../../helpers/list-snapshot.ts";

const names = {
  hostOf: async (address: string) => (address === "192.168.6.2" ? "two.example" : undefined),
  addressOf: async () => undefined,
  services: () => "http 80/tcp\n",
};

const plain: ListRequest = {
  view: "standard",
  isNumeric: true,
  isExact: false,
  isSorted: true,
  target: undefined,
};

const source: ListSource = {
  snapshot: async () => ({ services: snapshotServices }),
  connections: async () => snapshotConnections,
};

function print(changes: Partial<ListRequest>, options: Partial<ListSource> = {}, isJson = false) {
  return runInContext("/nonexistent", async (context) => {
    await printList({
      request: { ...plain, ...changes },
      source: { ...source, ...options },
      context,
      names,
      isJson,
      program: "test",
    });
    return 0;
  });
}

describe("printList", () => {
  test("shows names unless numbers are asked for", async () => {
    const target = { protocol: "TCP", text: "192.168.6.240:http" } as const;
    const { stdout } = await print({ isNumeric: false, target });
    expect(stdout.split("\n").slice(2, 4)).toEqual([
      "TCP  192.168.6.240:http rr",
      "  -> two.example:http             Route   10     3          12        ",
    ]);
  });

  test("leaves out what belongs to a virtual router that is not active here", async () => {
    const owned = (active: boolean) => async () => {
      const owner = { routers: ["lb1"], active };
      return { services: snapshotServices.map((service) => ({ ...service, owner })) };
    };
    const header = (await print({}, { snapshot: owned(false) })).stdout;
    expect(header).toBe(`IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`);
    const { stdout } = await print({}, { snapshot: owned(true) });
    expect(stdout).toBe((await print({})).stdout);
    expect(stdout).not.toBe(header);
    expect((await print({}, { snapshot: owned(false) }, true)).stdout).toBe(
      '{\n  "services": []\n}\n',
    );
  });

  test("without timeouts prints zeroes, as there is nothing to time out", async () => {
    const { stdout } = await print({ view: "timeout" });
    expect(stdout).toBe("Timeout (tcp tcpfin udp): 0 0 0\n");
    expect((await print({ view: "timeout" }, {}, true)).stdout).toBe('{\n  "timeouts": null\n}\n');
  });

  test("has version, timeouts and daemons of the kernel where IPVS carries something", async () => {
    const daemon = { role: "active", interfaceName: "eth1", syncId: 7 } as const;
    const full = { payloadBytes: 1472, group: "224.0.0.81", port: 8848, ttl: 1 };
    const ipvs = {
      version: "1.2.3",
      connectionTableSize: 512,
      timeouts: { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 },
      daemons: [
        { ...daemon, ...full },
        { ...daemon, role: "backup" as const },
      ],
    };
    const snapshot = async () => ({ services: snapshotServices, ipvs });
    expect((await print({ view: "timeout" }, { snapshot })).stdout).toBe(
      "Timeout (tcp tcpfin udp): 900 120 300\n",
    );
    expect((await print({ view: "daemon" }, { snapshot })).stdout).toMatch(
      /^\w+ sync daemon \(mcast=eth1, syncid=7, maxlen=1472, group=224\.0\.0\.81, port=8848, ttl=1\)\nbackup sync daemon \(mcast=eth1, syncid=7\)\n$/,
    );
    expect((await print({}, { snapshot })).stdout).toStartWith(
      "IP Virtual Server version 1.2.3 (size=512)\n",
    );
    expect((await print({ view: "daemon" })).stdout).toBe("");
  });

  test("has the model as JSON", async () => {
    const { stdout } = await print({}, {}, true);
    const { services } = JSON.parse(stdout);
    expect(services.length).toBe(snapshotServices.length);
    expect(services[0].endpoint).toEqual({ address: "192.168.6.240", port: 80 });
  });

  test("says when there are more connections than shown", async () => {
    const one = snapshotConnections[0]!;
    const many = Array.from({ length: connectionsMax }, () => one);
    const full = await print({ view: "connection" }, { connections: async () => many });
    expect(full.stdout.split("\n").length).toBe(connectionsMax + 3);
    expect(full.stderr).toBe(`test: only the first ${connectionsMax} connections are shown\n`);
    expect((await print({ view: "connection" })).stderr).toBe("");
  });

  test("tells a wrong address before it asks the director", async () => {
    const target = { protocol: "TCP", text: "nobody:80" } as const;
    const asked = print({ target }, { snapshot: () => Promise.reject(new Error("was asked")) });
    expect(asked).rejects.toThrow(new UsageError("Expected an address with a port, got nobody:80"));
  });
});
