import { expect, test } from "bun:test";

import { judgeClientPaths } from "../../../../src/host/doctor/client-paths.ts";
import type { ClientPathAnswer } from "../../../../src/host/doctor/client-paths.ts";
import { fakeAddress, fakeInterface } from "../../../helpers/fake-host.ts";

const answer: ClientPathAnswer = {
  service: "web",
  forwarding: "gate",
  server: "192.0.2.11",
  port: 80,
  virtualAddresses: ["192.0.2.100", "2001:db8::100"],
};
const who = "web: real server 192.0.2.11 port 80";
const masq = { forwarding: "masq", fault: "timeout: silence" } as const;

function judge(change: Partial<ClientPathAnswer>, own = "192.0.2.100/32") {
  return judgeClientPaths({
    clientPaths: [{ ...answer, ...change }],
    interfaces: [fakeInterface("lo", { isLoopback: true }), fakeInterface("eth0")],
    addresses: [fakeAddress("eth0", own)],
  })[0];
}

test.each([
  [{}, { state: "ok", text: `${who} answers packets that come by gate` }],
  [
    { fault: "timeout: silence" },
    {
      state: "wrong",
      text: `${who} answers, but not packets that come by gate: timeout: silence`,
      remedy: "on 192.0.2.11: appliance setup realserver --vip 192.0.2.100",
    },
  ],
  [
    { forwarding: "ipip", fault: "timeout: silence" },
    {
      state: "wrong",
      text: `${who} answers, but not packets that come by ipip: timeout: silence`,
      remedy: "on 192.0.2.11: appliance setup realserver --vip 192.0.2.100 --method ipip",
    },
  ],
  [
    { fault: "refused: nobody listens" },
    {
      state: "wrong",
      text: `${who} answers, but not packets that come by gate: refused: nobody listens`,
      remedy: "on 192.0.2.11: let its program listen on all addresses",
    },
  ],
  [
    masq,
    {
      state: "wrong",
      text: `${who} answers, but not packets that come by masq: timeout: silence`,
      remedy: "on 192.0.2.11: ip route replace default via ADDRESS, one of this director",
    },
  ],
  [
    { fault: "timeout: silence", plainFault: "refused: nobody" },
    { state: "unknown", text: `${who} does not answer at all: refused: nobody` },
  ],
] as const)("judgeClientPaths() of %j", (change, expected) => {
  expect(judge(change)).toEqual(expected);
});

test("a director without the address does not say where answers of masq have to lead", () => {
  expect(judge(masq, "192.0.2.3/24")).toEqual({
    state: "note",
    text:
      `${who} answers, but not packets that come by masq: timeout: silence ` +
      "(this host does not have the virtual address)",
  });
});

test("where nobody could be asked, the reason is told", () => {
  const facts = { clientPaths: "bpf may not be used", interfaces: [], addresses: [] };
  expect(judgeClientPaths(facts)).toEqual([
    {
      state: "unknown",
      text: "the way of clients to the real servers: bpf may not be used",
    },
  ]);
});
