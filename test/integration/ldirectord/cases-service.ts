/**
 * Cases about virtual services: where they listen, how they forward, whom they have.
 *
 * @module
 */
import { timing } from "./case.ts";
import type { Case } from "./case.ts";

const page = `    service=http
    receive="Test Page"
`;

/** By name: addresses, protocols, forwarding, persistence. */
export const serviceCases: readonly Case[] = [
  {
    name: "a range of real servers",
    servers: { a: { port: 8011 }, b: { port: 8011 }, c: { port: 8011 }, d: { port: 8011 } },
    configuration: `${timing}quiescent=yes
virtual={vip}:80
    real={a.host}->{c.host}:8011 masq 4
    real={d} masq
    scheduler=rr
${page}`,
    steps: [
      { serves: "a b c d" },
      { behaviours: { b: "refused" }, serves: "a c d" },
      { behaviours: { a: "wrong", b: "ok", c: 404 }, serves: "b d" },
    ],
  },
  {
    name: "persistent with and without a netmask",
    servers: { a: {}, b: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    persistent=600
    netmask=255.255.255.0
    scheduler=wlc
${page}virtual={vip}:81
    real={b} masq
    persistent=30
    netmask=255.255.255.255
    scheduler=sh
${page}virtual={vip}:82
    real={b} masq
    netmask=255.255.0.0
${page}`,
    steps: [{ serves: "a b" }, { behaviours: { b: 500 }, serves: "a" }],
  },
  {
    name: "virtual6 with fallback6",
    servers: { a: { address: "::1" }, b: { address: "::1" } },
    configuration: `${timing}quiescent=yes
fallback={fallback}
fallback6=[2001:db8::9]:9000 masq
virtual6=[2001:db8::1]:80
    real6={a} masq
    real6={b} masq 2
    persistent=60
    netmask=64
    checktype=connect
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "refused" }, serves: "b" },
      { behaviours: { b: "refused" }, serves: "[2001:db8::9]:9000" },
      { behaviours: { a: "ok" }, serves: "a" },
    ],
  },
  {
    name: "a firewall mark with gate",
    servers: { a: { port: 8012 }, b: { port: 8012 } },
    configuration: `${timing}quiescent=yes
fallback={fallback}
virtual=7
    real={a.host} gate
    real={b.host} gate 3
    protocol=fwm
    scheduler=wlc
    persistent=600
    checktype=negotiate
    checkport=8012
${page}`,
    // Of a fallback of the file, ldirectord has none for marks, and adds it all the same.
    refused: ["-a -f 7 -x 0 -y 0 -r :0 -w 1 => illegal real server address"],
    steps: [
      { serves: "a.host:0 b.host:0" },
      { behaviours: { a: "refused" }, serves: "b.host:0" },
      { behaviours: { b: 404 }, serves: "" },
      { behaviours: { a: "ok" }, serves: "a.host:0" },
    ],
  },
  {
    name: "gate with the port of the service",
    servers: { a: { port: 8013 }, b: { port: 8013 } },
    configuration: `${timing}quiescent=yes
virtual={vip}:8013
    real={a} gate
    real={b} gate 2
    fallback={fallback.host}:8013
${page}`,
    steps: [
      { serves: "a b" },
      { behaviours: { b: "refused" }, serves: "a" },
      { behaviours: { a: 500 }, serves: "fallback.host:8013" },
      { behaviours: { a: "ok", b: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "gate with another port",
    servers: { a: { port: 8014 }, b: { port: 8014 } },
    configuration: `${timing}virtual={vip}:80
    real={a} gate
    real={b} gate 2
${page}`,
    steps: [
      { serves: "a.host:80 b.host:80" },
      { behaviours: { b: "refused" }, serves: "a.host:80" },
    ],
  },
  {
    name: "ipip",
    servers: { a: { port: 8015 }, b: { port: 8015 } },
    configuration: `${timing}quiescent=no
virtual={vip}:8015
    real={a} ipip
    real={b} ipip 9
    checktype=connect
`,
    steps: [{ serves: "a b" }, { behaviours: { a: "refused" }, serves: "b" }],
  },
  {
    name: "gate and masq in one service",
    servers: { a: { port: 8016 }, b: { port: 8016 } },
    configuration: `${timing}virtual={vip}:8016
    real={a} gate
    real={b} masq
${page}`,
    steps: [
      {
        serves: "a b",
        differs: {
          "one method": ["- tcp vip:8016 -> b masq 1", "+ tcp vip:8016 -> b gate 1"],
        },
      },
      { behaviours: { b: "refused" }, serves: "a" },
    ],
  },
  {
    name: "UDP: one packet, and connect is a ping",
    servers: { a: {} },
    configuration: `${timing}virtual={vip}:514
    real={a} masq
    protocol=udp
    ops=yes
    checktype=connect
    scheduler=rr
`,
    steps: [{ serves: "a" }],
  },
  {
    name: "ports by the names of services(5)",
    servers: { a: { port: 8080 }, b: { port: 8080 } },
    configuration: `${timing}quiescent=yes
virtual={vip}:http
    real={a.host}:http-alt masq
    real={b.host}:http-alt masq
    receive="Test Page"
virtual={vip}:https
    real={a.host}:http-alt masq
    service=http
    checktype=connect
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "wrong" }, serves: "a b" },
      { behaviours: { a: "refused" }, serves: "b" },
    ],
  },
  {
    name: "thresholds",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=yes
virtual={vip}:80
    real={a} masq 2 l:5 u:10
    real={b} masq 1 u:7
${page}`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: 404 }, serves: "b" },
      { behaviours: { a: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "one real server twice in a service",
    servers: { a: {}, b: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq 2
    real={a} masq 2
    real={b} masq
${page}`,
    steps: [{ serves: "a b" }, { behaviours: { a: 404 }, serves: "b" }],
  },
  {
    name: "a name of hosts(5)",
    servers: { a: { address: "127.0.0.1" }, b: {} },
    configuration: `${timing}virtual={vip}:80
    real=localhost:{a.port} masq
    real={b} masq
${page}`,
    steps: [{ serves: "a b" }, { behaviours: { a: "refused" }, serves: "b" }],
  },
  {
    name: "another configuration, taken by autoreload",
    servers: { a: {}, b: {}, c: {} },
    configuration: `${timing}autoreload=yes
quiescent=yes
virtual={vip}:80
    real={a} masq
    real={b} masq 2
${page}virtual={vip}:81
    real={c} masq
${page}`,
    // A change before the third round is not seen by ldirectord: it takes its first look then.
    steps: [
      { serves: "a b c" },
      { behaviours: { b: 404 }, serves: "a c" },
      {
        behaviours: { b: "ok" },
        configuration: `${timing}autoreload=yes
quiescent=yes
virtual={vip}:80
    real={a} masq 5
    real={c} masq
    scheduler=wlc
    persistent=60
${page}virtual={vip}:82
    real={b} masq
${page}`,
        serves: "a b c",
      },
      { behaviours: { a: 404 }, serves: "b c" },
    ],
  },
];
