/**
 * Directives of a virtual service.
 *
 * @module
 */

import type { LdirectordVirtual } from "./model.ts";
import { readReals, withSlash } from "./server.ts";
import { serviceNames } from "./service.ts";
import { sharedReaders } from "./shared.ts";
import type { DirectiveReader } from "./shared.ts";
import {
  readFlag,
  readInteger,
  readPlain,
  readQuoted,
  readSeconds,
  readText,
  readWord,
  refuse,
  warn,
} from "./value.ts";
import type { Directive, Reading } from "./value.ts";

type MemberReader = DirectiveReader<LdirectordVirtual>;

const checkTypeWords = [
  "connect",
  "external",
  "external-perl",
  "negotiate",
  "off",
  "on",
  "ping",
] as const;

const readCheckType: MemberReader = (virtual, directive, reading) => {
  const { value = "" } = directive;
  if (/^\d+$/.test(value)) {
    const connects = readInteger(reading, directive, { min: 1, max: 999_999, what: "a number" });
    virtual.checktype = "count";
    virtual.connectsPerNegotiate = connects ?? 1;
    return;
  }
  virtual.connectsPerNegotiate = 0;
  virtual.checktype = readWord(reading, directive, checkTypeWords) ?? virtual.checktype;
};

/** Logins are made up where the service is named, so that a later line overrides them. */
const readService: MemberReader = (virtual, directive, reading) => {
  virtual.service = readWord(reading, directive, serviceNames) ?? virtual.service;
  const generic = `ldirectord@${reading.hostName}`;
  if (virtual.service === "ftp") {
    virtual.login ||= "anonymous";
    virtual.passwd ||= generic;
  } else if (virtual.service === "sip") {
    virtual.login ||= generic;
    virtual.passwd ||= "";
  }
};

const readProtocol: MemberReader = (virtual, directive, reading) => {
  if (virtual.fwmark !== undefined) {
    readWord(reading, directive, ["fwm"]);
    return;
  }
  virtual.protocol = readWord(reading, directive, ["tcp", "udp"]) ?? virtual.protocol;
};

const readScheduler: MemberReader = (virtual, directive, reading) => {
  const { value = "" } = directive;
  const word = /[a-z]+/.exec(value)?.[0];
  if (word === undefined) {
    refuse(reading, directive, 'the name of a scheduler, such as "wrr"');
    return;
  }
  if (word !== value) warn(reading, directive, `Read as ${word}, as ldirectord does`);
  virtual.scheduler = word;
};

const readNetmask: MemberReader = (virtual, directive, reading) => {
  const { value = "" } = directive;
  const isQuad = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(value);
  const isMask = isQuad && value.split(".").every((part) => Number(part) <= 255);
  const isPrefix = /^\d{1,3}$/.test(value) && Number(value) >= 1 && Number(value) <= 128;
  if (virtual.family === 6 ? isPrefix : isMask) virtual.netmask = value;
  else {
    const expected =
      virtual.family === 6 ? "a prefix length 1..128" : "a netmask such as 255.255.255.0";
    refuse(reading, directive, expected);
  }
};

const readInterval: MemberReader = (virtual, directive, reading) => {
  virtual.checkinterval = readSeconds(reading, directive);
};

function readRealOf(family: 4 | 6): MemberReader {
  return (virtual, directive, reading) => {
    // A mark has no address to compare with.
    if (virtual.family !== family) {
      refuse(reading, directive, virtual.family === 6 ? "real6 = …" : "real = …");
      return;
    }
    for (const real of readReals(reading, directive, family)) virtual.reals.push(real);
  };
}

function quoted(
  key: "login" | "passwd" | "database" | "secret" | "receive" | "load",
): MemberReader {
  return (virtual, directive, reading) => {
    virtual[key] = readQuoted(reading, directive) ?? "";
  };
}

function text(key: "checkcommand" | "virtualhost" | "monitorfile"): MemberReader {
  return (virtual, directive, reading) => {
    virtual[key] = readText(reading, directive) ?? "";
  };
}

function plain(key: "schedflags" | "servicename" | "comment"): MemberReader {
  return (virtual, directive, reading) => {
    virtual[key] = readPlain(reading, directive);
  };
}

/** Readers by directive. */
export const memberReaders: ReadonlyMap<string, MemberReader> = new Map(
  Object.entries<MemberReader>({
    ...sharedReaders,
    real: readRealOf(4),
    real6: readRealOf(6),
    checktype: readCheckType,
    service: readService,
    protocol: readProtocol,
    scheduler: readScheduler,
    netmask: readNetmask,
    checkinterval: readInterval,
    checkport(virtual, directive, reading) {
      const range = { min: 1, max: 65_535, what: "a port" };
      virtual.checkport = readInteger(reading, directive, range);
    },
    request(virtual, directive, reading) {
      virtual.request = withSlash(readQuoted(reading, directive) ?? "");
    },
    httpmethod(virtual, directive, reading) {
      virtual.httpmethod = readWord(reading, directive, ["GET", "HEAD"]) ?? "GET";
    },
    persistent(virtual, directive, reading) {
      virtual.persistent = readSeconds(reading, directive);
    },
    ops(virtual, directive, reading) {
      virtual.ops = readFlag(reading, directive) ?? false;
    },
    receive: quoted("receive"),
    login: quoted("login"),
    passwd: quoted("passwd"),
    database: quoted("database"),
    secret: quoted("secret"),
    load: quoted("load"),
    checkcommand: text("checkcommand"),
    virtualhost: text("virtualhost"),
    monitorfile: text("monitorfile"),
    schedflags: plain("schedflags"),
    servicename: plain("servicename"),
    comment: plain("comment"),
  }),
);

/** What can be said of a virtual service only once all its lines are read. */
export function finishVirtual(
  virtual: LdirectordVirtual,
  isForked: boolean,
  reading: Reading,
): void {
  const warnOf = (key: string, message: string): void => {
    const directive: Directive = { line: virtual.lines.get(key) ?? virtual.line, key, value: "" };
    warn(reading, directive, message);
  };
  if (virtual.checkinterval !== undefined && !isForked) {
    virtual.checkinterval = undefined;
    warnOf("checkinterval", "Without fork=yes ldirectord ignores this line, and so does this");
  }
  if (virtual.netmask !== undefined && virtual.persistent === undefined) {
    warnOf("netmask", "Without persistent the netmask has no effect");
  }
}
