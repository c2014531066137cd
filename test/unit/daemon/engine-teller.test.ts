import { expect, test } from "bun:test";

import type { EngineDecision } from "../../../src/daemon/choose-engine.ts";
import type { Engines } from "../../../src/daemon/engine-record.ts";
import { createEngineTeller } from "../../../src/daemon/engine-teller.ts";
import type { Report } from "../../../src/daemon/report.ts";
import { virtualService } from "./fixture.ts";

const gate = virtualService({ name: "gate", forwarding: "gate" });

function setUp(before: Readonly<Record<string, string>> = {}) {
  const reports: Report[] = [];
  const saved: Engines[] = [];
  const levers: { decision: EngineDecision; fault: string | undefined } = {
    decision: { engine: "bpf", reason: "not ipvs: no module", warning: undefined },
    fault: undefined,
  };
  const tell = createEngineTeller({
    choose: () => levers.decision,
    report: (report) => void reports.push(report),
    record: {
      load: () => new Map(Object.entries(before)),
      save(engines) {
        saved.push(engines);
        return levers.fault;
      },
    },
  });
  const told = (): string[] => reports.splice(0).map(({ level, text }) => `${level} ${text}`);
  return { tell, told, saved, levers };
}

test("createEngineTeller() tells once, and keeps what was chosen", () => {
  const { tell, told, saved } = setUp();
  tell([gate]);
  tell([gate]);
  expect(told()).toEqual(["info Engine bpf: not ipvs: no module"]);
  expect(saved.map((engines) => [...engines])).toEqual([[["gate", "bpf"]]]);
});

test("createEngineTeller() warns of another engine than at the last run", () => {
  const { tell, told, saved } = setUp({ gate: "ipvs", gone: "bpf" });
  tell([gate]);
  expect(told()).toEqual(["warning Engine bpf: not ipvs: no module; it was ipvs before"]);
  expect(saved.map((engines) => [...engines])).toEqual([[["gate", "bpf"]]]);
});

test("createEngineTeller() saves nothing that is not news", () => {
  const { tell, told, saved } = setUp({ gate: "bpf" });
  tell([gate]);
  expect(told()).toEqual(["info Engine bpf: not ipvs: no module"]);
  expect(saved).toEqual([]);
});

test("createEngineTeller() remembers a service over a time in which nobody carried it", () => {
  const { tell, told, levers } = setUp({ gate: "ipvs" });
  const { decision } = levers;
  levers.decision = { refusal: "there is nothing" };
  tell([gate]);
  expect(told()).toEqual([]);
  levers.decision = decision;
  tell([gate]);
  expect(told()).toEqual(["warning Engine bpf: not ipvs: no module; it was ipvs before"]);
});

test("createEngineTeller() has nothing to say of the proxy that was asked for", () => {
  const { tell, told, saved, levers } = setUp();
  levers.decision = { engine: "proxy", reason: "forwarding is proxy", warning: undefined };
  tell([virtualService()]);
  expect([told(), saved]).toEqual([[], []]);
  levers.decision = { engine: "proxy", reason: "no", warning: "it runs on the proxy" };
  tell([virtualService({ forwarding: "masq" })]);
  expect(told()).toEqual(["warning it runs on the proxy"]);
});

test("createEngineTeller() tells that nothing is remembered", () => {
  const { tell, told, levers } = setUp();
  levers.fault = "EROFS";
  tell([gate]);
  expect(told()[1]).toBe("warning It is not remembered which engine carries each service");
});
