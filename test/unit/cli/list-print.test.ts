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

  test("without timeouts prints zeroes, as there is nothing to time out", async () => {
    const { stdout } = await print({ view: "timeout" });
    expect(stdout).toBe("Timeout (tcp tcpfin udp): 0 0 0\n");
    expect((await print({ view: "timeout" }, {}, true)).stdout).toBe('{\n  "timeouts": null\n}\n');
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
