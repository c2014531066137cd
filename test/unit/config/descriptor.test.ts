import { describe, expect, test } from "bun:test";

import { requiredDescriptors, requireDescriptors } from "../../../src/config/descriptor.ts";
import { configOf, serviceText } from "./fixture.ts";

const config = configOf(
  serviceText("", "one", "192.0.2.100:80") + serviceText("", "range", "192.0.2.100:8000-8099"),
);

describe("requiredDescriptors()", () => {
  test("counts each port once a worker, and room for the rest", () => {
    expect(requiredDescriptors(config, 1)).toEqual({ listeners: 101, reserve: 242, total: 343 });
    expect(requiredDescriptors(config, 4)).toEqual({ listeners: 404, reserve: 290, total: 694 });
  });

  test("bounds what checks need", () => {
    const servers = Array.from({ length: 2000 }, (_, n) => `{ address = "s${n}:80" }`).join(",\n");
    const many = configOf(serviceText(`real_servers = [${servers}]`));
    expect(requiredDescriptors(many, 1).reserve).toBe(240 + 512);
  });
});

describe("requireDescriptors()", () => {
  test("takes what fits exactly", () => {
    expect(() => requireDescriptors(config, 4, 694)).not.toThrow();
  });

  test("refuses what does not, with the numbers", () => {
    expect(() => requireDescriptors(config, 4, 693)).toThrow(
      expect.objectContaining({
        code: "CONFIG_TOO_MANY_LISTENERS",
        message:
          "Cannot open 404 listeners (101 ports, 4 workers): with 290 other descriptors they " +
          "need 694, got a limit of 693 (raise LimitNOFILE= or ulimit -n, or lower [proxy] workers)",
      }),
    );
  });
});
