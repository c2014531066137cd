import { describe, expect, test } from "bun:test";

import type { ServerAssessment, ServiceAssessment } from "../../../src/daemon/assessment.ts";
import { TableDigester } from "../../../src/daemon/table-digest.ts";
import { assessedServer, virtualService } from "./fixture.ts";

function serverAt(host: string, weight = 1): ServerAssessment {
  return assessedServer(host, 80, { effectiveWeight: weight });
}

function serviceOf(
  name: string,
  servers: readonly ServerAssessment[],
  scheduler: "mh" | "rr" = "mh",
): ServiceAssessment {
  return {
    service: virtualService({ name, scheduler }),
    servers,
    liveWeight: 1,
    isSettled: true,
    state: "up",
    reason: "",
    fallback: undefined,
  };
}

const pair = [serverAt("192.0.2.11"), serverAt("192.0.2.12")];
const web = serviceOf("web", pair);
const mail = serviceOf("mail", [serverAt("192.0.2.21")]);

function digestOf(...services: readonly ServiceAssessment[]): string {
  return new TableDigester().digest(services).hash;
}

describe("TableDigester", () => {
  test("is the same whatever the order of services and real servers", () => {
    const digest = new TableDigester().digest([web, mail]);
    expect(digest).toEqual({ hash: expect.stringMatching(/^[0-9a-f]{16}$/), count: 2 });
    expect(digestOf(mail, serviceOf("web", pair.toReversed()))).toBe(digest.hash);
  });

  test.each([
    ["another real server", serviceOf("web", [...pair, serverAt("192.0.2.13")])],
    ["one that is not live", serviceOf("web", [pair[0]!, serverAt("192.0.2.12", 0)])],
    ["another weight", serviceOf("web", [pair[0]!, serverAt("192.0.2.12", 3)])],
    ["another name", serviceOf("www", pair)],
    ["another scheduler", serviceOf("web", pair, "rr")],
  ])("differs with %s", (_name, changed) => {
    expect(digestOf(changed, mail)).not.toBe(digestOf(web, mail));
  });

  test("does not look at services with other schedulers", () => {
    const other = serviceOf("other", pair, "rr");
    expect(new TableDigester().digest([web, other])).toEqual(new TableDigester().digest([web]));
    // Two directors without any have the same.
    expect(digestOf(other)).toBe(digestOf());
    expect(digestOf()).not.toBe("0000000000000000");
  });

  test("follows changes", () => {
    const digester = new TableDigester();
    const before = digester.digest([web]).hash;
    const changed = serviceOf("web", [pair[0]!]);
    expect(digester.digest([changed]).hash).toBe(digestOf(changed));
    expect(digester.digest([web]).hash).toBe(before);
  });
});
