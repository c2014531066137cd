/**
 * Cases about the types of checks and what they ask for.
 *
 * @module
 */
import { timing } from "./case.ts";
import type { Case } from "./case.ts";

/** Exit status 0 as long as there is a file for the server's address. */
const isAliveFile = `#!/bin/sh
test -e "{folder}/alive/$3" -a "$2" = 80
`;

const isAlivePerl = `#!/usr/bin/perl
exit(-e "{folder}/alive/$ARGV[2]" ? 0 : 1);
`;

/** Mail and news servers that like everything. */
const mail = { greeting: "220 mx.example.com", reply: "250 fine", refusal: "554 go away" };
const news = { greeting: "200 news.example.com", reply: "205 bye", refusal: "502 go away" };

const expiredIsUp = { "any certificate": ["+ tcp vip:443 -> b masq 1"] } as const;

/** By name: checktype, service, and what goes with them. */
export const checkCases: readonly Case[] = [
  {
    name: "checktype=connect, which does not see a hang",
    servers: { a: {}, b: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    real={b} masq
    checktype=connect
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "hang", b: 500 }, serves: "a b", isSteady: true },
      { behaviours: { a: "refused" }, serves: "b" },
      { behaviours: { a: "wrong" }, serves: "a b" },
    ],
  },
  {
    name: "checktype=ping, which does not see a port",
    servers: { a: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    checktype=ping
`,
    steps: [{ serves: "a" }, { behaviours: { a: "refused" }, serves: "a", isSteady: true }],
  },
  {
    name: "checktype=2",
    servers: { a: {}, b: {} },
    // Of three checks one is negotiated.
    failures: 3,
    configuration: `${timing}quiescent=yes
virtual={vip}:80
    real={a} masq
    real={b} masq
    checktype=2
    service=http
    receive="Test Page"
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "wrong" }, serves: "b" },
      { behaviours: { a: "ok", b: "refused" }, serves: "a" },
      { behaviours: { b: "ok" }, serves: "a b" },
    ],
  },
  {
    name: "checktype=external",
    servers: { a: {}, b: {} },
    programs: { "alive/{a.host}": "", "is-alive": isAliveFile },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    real={b} masq
    checktype=external
    checkcommand={folder}/is-alive
    fallback={fallback} masq
`,
    steps: [
      { serves: "a" },
      { files: { "alive/{b.host}": true }, serves: "a b" },
      { files: { "alive/{a.host}": false, "alive/{b.host}": false }, serves: "fallback" },
    ],
  },
  {
    name: "checktype=external-perl",
    servers: { a: {}, b: {} },
    programs: { "alive/{a.host}": "", "is-alive": isAlivePerl },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    real={b} masq
    checktype=external-perl
    checkcommand="{folder}/is-alive"
    quiescent=yes
`,
    steps: [
      { serves: "a" },
      { files: { "alive/{b.host}": true, "alive/{a.host}": false }, serves: "b" },
    ],
  },
  {
    name: "checktype=on",
    servers: { a: {}, b: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq 7
    real={b} masq
    checktype=on
    fallback={fallback} masq
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "refused", b: "refused" }, serves: "a b", isSteady: true },
    ],
  },
  {
    name: "checktype=off, quiescent",
    servers: { a: {} },
    configuration: `${timing}quiescent=yes
virtual={vip}:80
    real={a} masq
    checktype=off
    fallback={fallback} masq
`,
    steps: [{ serves: "fallback" }],
  },
  {
    name: "checktype=off, not quiescent",
    servers: { a: {} },
    configuration: `${timing}quiescent=no
virtual={vip}:80
    real={a} masq
    checktype=off
`,
    steps: [{ serves: "" }],
  },
  {
    name: "checkport",
    servers: { a: {}, b: {}, alive: { port: 8019 } },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    real={alive.host}:9 masq
    checktype=negotiate
    service=http
    checkport=8019
    receive="Test Page"
`,
    steps: [
      { serves: "alive.host:9" },
      { behaviours: { alive: "wrong" }, serves: "" },
      { behaviours: { alive: "ok", a: "refused" }, serves: "alive.host:9" },
    ],
  },
  {
    name: "request and receive of each real server",
    servers: {
      a: { pages: { "/x": "alpha 1" } },
      b: { pages: { "/y": "beta 2", "/all": "none" } },
      c: { pages: { "/all": "gamma" } },
    },
    configuration: `${timing}virtual={vip}:80
    real={a} masq 1 "x", "al.ha\\s\\d"
    real={b} masq 2 "y" "beta"
    real={c} masq
    service=http
    request="all"
    receive="(?i)GAMMA$"
`,
    steps: [
      { serves: "a b c" },
      { behaviours: { a: "wrong", c: "wrong" }, serves: "b" },
      { behaviours: { a: "ok", b: 404 }, serves: "a" },
    ],
  },
  {
    name: "virtualhost",
    servers: {
      a: { pages: { "www.example.com/alive": "yes" } },
      b: { pages: { "other.example.com/alive": "yes" } },
    },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    real={b} masq
    service=http
    virtualhost="www.example.com"
    request="/alive"
    receive="yes"
`,
    steps: [{ serves: "a" }, { behaviours: { a: 500 }, serves: "" }],
  },
  {
    name: "redirects are followed",
    servers: {
      a: { pages: { "/alive": "yes" }, redirects: { "/old": "/alive" } },
      b: { pages: {}, redirects: { "/old": "/gone" } },
    },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    real={b} masq
    service=http
    request="old"
    receive="yes"
`,
    steps: [{ serves: "a" }, { behaviours: { a: "wrong" }, serves: "" }],
  },
  {
    name: "httpmethod=HEAD",
    servers: { a: {}, b: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    real={b} masq
    service=http
    httpmethod=HEAD
    request="alive.html"
`,
    steps: [{ serves: "a b" }, { behaviours: { a: 404, b: "wrong" }, serves: "b" }],
  },
  {
    name: "service=simpletcp",
    servers: { a: {}, b: {} },
    configuration: `${timing}quiescent=yes
virtual={vip}:70
    real={a} masq
    real={b} masq
    service=simpletcp
    request="hello\\n"
    receive="^Test P"
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "wrong" }, serves: "b" },
      { behaviours: { a: "ok", b: "hang" }, serves: "a" },
    ],
  },
  {
    name: "service=none",
    servers: { a: {} },
    configuration: `${timing}virtual={vip}:80
    real={a} masq
    service=none
`,
    steps: [{ serves: "a" }, { behaviours: { a: "refused" }, serves: "a", isSteady: true }],
  },
  {
    name: "service=https",
    servers: { a: { tls: "another name" }, b: { tls: "expired" } },
    configuration: `${timing}virtual={vip}:443
    real={a} masq
    real={b} masq
    virtualhost=www.example.com
    request="/alive"
    receive="Test Page"
`,
    steps: [
      { serves: "a", differs: expiredIsUp },
      { behaviours: { a: "wrong" }, serves: "", differs: expiredIsUp },
      { behaviours: { a: "ok", b: "wrong" }, serves: "a" },
    ],
  },
  {
    name: "service=smtp by the port of the virtual service",
    servers: { a: { dialogue: mail }, b: { dialogue: mail } },
    configuration: `${timing}quiescent=yes
virtual={vip}:smtp
    real={a} masq
    real={b} masq
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "wrong" }, serves: "b" },
      { behaviours: { a: "ok", b: "hang" }, serves: "a" },
    ],
  },
  {
    name: "service=nntp",
    servers: { a: { dialogue: news }, b: { dialogue: news } },
    configuration: `${timing}virtual={vip}:119
    real={a} masq
    real={b} masq
`,
    steps: [
      { serves: "a b" },
      { behaviours: { a: "wrong" }, serves: "b" },
      { behaviours: { a: "ok", b: "hang" }, serves: "a" },
    ],
  },
];
