/**
 * What an ldirectord.cf says, as plain data: every directive with the meaning that ldirectord
 * 4.12 gives it, before anything is translated. Facts: ldirectord(8) and runs of the program.
 *
 * @module
 */

import type { Protocol } from "../../../model/index.ts";

/** Forwarding method of a real server or fallback. */
export type LdirectordForward = "gate" | "masq" | "ipip";

/** Occasions of a mail. */
export type AlertStatus = "starting" | "running" | "stopping" | "reloading";

/** Fallback server. */
export interface LdirectordFallback {
  readonly line: number;
  /** Canonical address, or the name as written if no table of hosts knows it. */
  readonly host: string;
  /** The name as written; undefined if an address was written. */
  readonly name: string | undefined;
  /** Undefined: the port of the virtual service. */
  readonly port: number | undefined;
  readonly forward: LdirectordForward;
}

/** Settings that a virtual service has, and the file as a whole too. */
export interface SharedSettings {
  /** Seconds; undefined: not set. */
  checktimeout: number | undefined;
  /** Seconds; undefined: not set. */
  negotiatetimeout: number | undefined;
  /** Seconds between two rounds of checks; undefined: not set. */
  checkinterval: number | undefined;
  /** Attempts of a ping check. */
  checkcount: number | undefined;
  /** Failures in a row until a server is down. */
  failurecount: number | undefined;
  fallback: LdirectordFallback | undefined;
  fallback6: LdirectordFallback | undefined;
  fallbackcommand: string | undefined;
  quiescent: boolean | undefined;
  cleanstop: boolean | undefined;
  /** Addresses, separated by commas. */
  emailalert: string | undefined;
  /** Seconds; 0: no repeats. */
  emailalertfreq: number | undefined;
  emailalertstatus: readonly AlertStatus[] | undefined;
  smtp: string | undefined;
}

/** Directives outside of virtual services; undefined: not set. */
export interface GlobalSettings extends SharedSettings {
  autoreload: boolean | undefined;
  callback: string | undefined;
  logfile: string | undefined;
  /** Other configurations started with this one. */
  execute: readonly string[];
  fork: boolean | undefined;
  supervised: boolean | undefined;
  readdquiescent: boolean | undefined;
  emailalertfrom: string | undefined;
  maintenancedir: string | undefined;
}

/** One real server; a range has become several. */
export interface LdirectordReal {
  readonly line: number;
  /** Canonical address, or the name as written if no table of hosts knows it. */
  readonly host: string;
  /** The name as written; undefined if an address was written. */
  readonly name: string | undefined;
  /** 0: none was written. */
  readonly port: number;
  readonly forward: LdirectordForward;
  readonly weight: number;
  /** Of this server alone; undefined: the one of the virtual service. */
  readonly request: string | undefined;
  readonly receive: string | undefined;
  /** `-y` and `-x` of ipvsadm; undefined: none. */
  readonly lowerThreshold: number | undefined;
  readonly upperThreshold: number | undefined;
}

/** Words of `checktype`; `count` stands for a number N. */
export type LdirectordCheckType =
  "connect" | "external" | "external-perl" | "negotiate" | "off" | "on" | "ping" | "count";

/** One virtual service. */
export interface LdirectordVirtual extends SharedSettings {
  /** Of its first line. */
  readonly line: number;
  readonly family: 4 | 6;
  /** Canonical; undefined for a firewall mark. */
  readonly address: string | undefined;
  /** 0 for a firewall mark. */
  readonly port: number;
  readonly fwmark: number | undefined;
  protocol: Protocol | "fwm";
  readonly reals: LdirectordReal[];
  checktype: LdirectordCheckType;
  /** N of `checktype = N`; 0 otherwise. */
  connectsPerNegotiate: number;
  service: string;
  checkcommand: string;
  checkport: number | undefined;
  /** With a leading `/`, which ldirectord adds whatever the service is. */
  request: string;
  /** Perl regular expression; empty: any answer. */
  receive: string;
  httpmethod: "GET" | "HEAD";
  virtualhost: string | undefined;
  login: string;
  passwd: string;
  database: string;
  secret: string;
  load: string | undefined;
  scheduler: string;
  /** Seconds. */
  persistent: number | undefined;
  /** As written: a dotted quad, or a prefix length for IPv6. */
  netmask: string | undefined;
  schedflags: string | undefined;
  ops: boolean;
  monitorfile: string | undefined;
  servicename: string | undefined;
  comment: string | undefined;
  /** Lines of the directives, for warnings. */
  readonly lines: Map<string, number>;
}

/** A whole file. */
export interface LdirectordConfig {
  readonly file: string;
  readonly globals: GlobalSettings;
  /** Lines of the global directives, for warnings. */
  readonly globalLines: ReadonlyMap<string, number>;
  readonly virtuals: readonly LdirectordVirtual[];
}
