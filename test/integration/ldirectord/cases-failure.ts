/**
 * Cases about what becomes of a server that fails, and when the fallback serves.
 *
 * @module
 */
import { timing } from "./case.ts";
import type { Case } from "./case.ts";

/** Members of a virtual service with a page that is looked at. */
const page = `    service=http
    checktype=negotiate
    request="index.html"
    receive="Test Page"
    protocol=tcp
`;

const lostServer = { "fallback takes no server away": ["+ tcp vip:80 -> b masq 1"] } as const;

/** By name: the quiescent of a file, and of its services. */
export const failureCases: readonly Case[] = [
  {
    name: "quiescent=yes and a fallback of the file",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=yes
fallback={fallback}
virtual={vip}:80
    real={a} masq 5
    real={b} masq
    scheduler=wlc
${page}`,
    steps: [
      { serves: "a b" },
      { behaviours: { b: 404 }, serves: "a" },
      {
        behaviours: { a: "refused" },
        serves: "fallback.host:80",
        differs: {
          "fallback has no method": [
            "- tcp vip:80 -> fallback.host:80 gate 1",
            "+ tcp vip:80 -> fallback masq 1",
          ],
        },
      },
      { behaviours: { b: "ok" }, serves: "b" },
      { behaviours: { a: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "quiescent=no and a fallback of the service with a port",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=no
fallback=127.0.0.1:1
virtual={vip}:80
    real={a} masq
    real={b} masq 3
    fallback={fallback} masq
${page}`,
    steps: [
      { serves: "a b" },
      { behaviours: { b: "wrong" }, serves: "a" },
      { behaviours: { a: "hang" }, serves: "fallback" },
      { behaviours: { a: "ok", b: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "no quiescent, no fallback",
    servers: { a: {}, b: {} },
    configuration: `${timing}
virtual={vip}:80
    real={a} masq
    real={b} masq
${page}`,
    steps: [
      { behaviours: { a: "refused" }, serves: "b" },
      { behaviours: { b: 500 }, serves: "" },
      { behaviours: { a: "ok" }, serves: "a" },
      { behaviours: { b: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "quiescent of the services over that of the file, one server asked for two things",
    servers: { a: { pages: { "/one": "one", "/two": "two" } }, b: { pages: { "/one": "one" } } },
    configuration: `${timing}quiescent=no
virtual={vip}:80
    real={a} masq
    real={b} masq
    quiescent=yes
    service=http
    request="one"
    receive="one"
virtual={vip}:81
    real={a} masq
    real={b} masq
    service=http
    request="two"
    receive="two"
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: 500 }, serves: "b" },
      { behaviours: { a: "ok", b: "refused" }, serves: "a" },
    ],
  },
  {
    name: "failurecount=3",
    servers: { a: {}, b: {} },
    failures: 3,
    configuration: `${timing}failurecount=3
quiescent=yes
virtual={vip}:80
    real={a} masq
    real={b} masq
${page}`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "stumble" }, serves: "a b", isSteady: true },
      { behaviours: { a: 500 }, serves: "b" },
    ],
  },
  {
    name: "failurecount of the service over that of the file",
    servers: { a: {}, b: {} },
    failures: 2,
    configuration: `${timing}failurecount=9
virtual={vip}:80
    real={a} masq
    real={b} masq
    failurecount=2
${page}`,
    steps: [
      { behaviours: { b: "refused" }, serves: "a" },
      { behaviours: { a: "wrong", b: "ok" }, serves: "b" },
    ],
  },
  {
    name: "readdquiescent=yes",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=yes
readdquiescent=yes
virtual={vip}:80
    real={a} masq
    real={b} masq
${page}`,
    steps: [
      { behaviours: { a: "refused" }, serves: "b" },
      { behaviours: { a: "ok", b: "hang" }, serves: "a" },
    ],
  },
  {
    name: "two services that share their servers and ask the same",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=no
fallback={fallback} masq
virtual={vip}:80
    real={a} masq
    real={b} masq
${page}virtual={vip}:443
    real={a} masq
    real={b} masq
    persistent=300
${page}`,
    steps: [
      { serves: "a b" },
      { behaviours: { b: "refused" }, serves: "a" },
      { behaviours: { a: 404 }, serves: "fallback" },
      { behaviours: { a: "ok", b: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "two quiescent services that share a server which is down from the start",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=yes
virtual={vip}:80
    real={a} masq
    real={b} masq
${page}virtual={vip}:443
    real={a} masq
    real={b} masq
${page}`,
    steps: [
      { behaviours: { b: "refused" }, serves: "a" },
      { behaviours: { b: "ok" }, serves: "a b" },
      { behaviours: { b: "refused" }, serves: "a" },
    ],
  },
  {
    name: "a weight of 0",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=no
virtual={vip}:80
    real={a} masq 0
    real={b} masq 2
    fallback={fallback} masq
${page}`,
    steps: [
      { serves: "b" },
      {
        behaviours: { b: "refused" },
        serves: "",
        differs: { "weight 0 serves nobody": ["+ tcp vip:80 -> fallback masq 1"] },
      },
      { behaviours: { a: "refused" }, serves: "fallback" },
      { behaviours: { a: "ok", b: "ok" }, serves: "b" },
    ],
  },
  {
    name: "fallbackcommand of the file",
    servers: { a: {}, b: {} },
    programs: { notify: '#!/bin/sh\necho "$*" >> {folder}/commands\n' },
    configuration: `${timing}fallback={fallback} masq
fallbackcommand={folder}/notify
virtual={vip}:80
    real={a} masq
    real={b} masq
${page}`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "refused" }, serves: "b" },
      { behaviours: { b: 404 }, serves: "fallback", commands: ["start vip:80 tcp"] },
      { behaviours: { a: "ok" }, serves: "a", commands: ["stop vip:80 tcp"] },
      { behaviours: { b: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "fallbackcommand of the service, without a fallback",
    servers: { a: {} },
    programs: { notify: '#!/bin/sh\necho "$*" >> {folder}/commands\n' },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    fallbackcommand="{folder}/notify"
${page}`,
    steps: [
      { serves: "a" },
      { behaviours: { a: "refused" }, serves: "", commands: ["start vip:80 tcp"] },
      { behaviours: { a: "ok" }, serves: "a", commands: ["stop vip:80 tcp"] },
    ],
  },
  {
    name: "maintenancedir",
    servers: { a: {}, b: {} },
    failures: 2,
    configuration: `${timing}quiescent=yes
failurecount=2
maintenancedir={folder}/maintenance
virtual={vip}:80
    real={a} masq
    real={b} masq
${page}`,
    steps: [
      { serves: "a b" },
      { files: { "maintenance/{a.host}": true }, serves: "b" },
      { files: { "maintenance/{b}": true }, serves: "" },
      { files: { "maintenance/{a.host}": false }, serves: "a" },
    ],
  },
  {
    name: "a fallback that is one of the real servers",
    servers: { a: {}, b: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq 5
    real={b} masq
    fallback={b} masq
${page}`,
    steps: [
      { serves: "a", differs: lostServer },
      { behaviours: { a: 404 }, serves: "", differs: lostServer },
      { behaviours: { b: 404 }, serves: "b" },
      { behaviours: { a: "ok" }, serves: "a" },
      { behaviours: { b: "ok" }, serves: "a", differs: lostServer },
    ],
  },
];
