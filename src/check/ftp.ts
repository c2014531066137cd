/**
 * Check by FTP (RFC 959, RFC 2428): login, and if a file is named, fetch it in passive mode and
 * look for `receive` in it. The data connection goes to the real server's own address, whatever
 * address its answer names.
 *
 * @module
 */

import type { RE2JS } from "re2js";

import type { Clock } from "../clock/index.ts";
import type { FtpCheckSpec } from "../model/index.ts";
import { SearchedAnswer } from "./bounded.ts";
import type { CheckTarget } from "./check.ts";
import { prepareDestination } from "./connector.ts";
import type { Connector, Deadline } from "./connector.ts";
import { holdDialogue } from "./dialogue.ts";
import type { Script } from "./dialogue.ts";
import type { Failure } from "./failure.ts";
import { gibberish, refusal, takeReply } from "./script.ts";
import { converse } from "./stream.ts";

/** Port of a passive answer: `227 … (h1,h2,h3,h4,p1,p2)`, `229 … (|||port|)`. */
export function passivePort(line: string): number | undefined {
  const extended = /\(([!-~])\1\1(\d{1,5})\1\)/.exec(line);
  const plain = /(?:\d{1,3},){4}(\d{1,3}),(\d{1,3})/.exec(line);
  const port =
    extended === null ? Number(plain?.[1]) * 256 + Number(plain?.[2]) : Number(extended[2]);
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? port : undefined;
}

/** What the script needs of the world. */
export interface FtpActions {
  /** True: EPSV, since an IPv6 server has no other passive mode. */
  readonly isExtended: boolean;
  /** Connects for the file. */
  openData(port: number): void;
  /** True if the director itself ended the transfer, after which the server may complain. */
  hasHungUp(): boolean;
}

/** The control connection. */
export function* ftpScript(spec: FtpCheckSpec, actions: FtpActions): Script {
  const { login, password, request } = spec;
  const greeting = yield* takeReply("");
  if (greeting === undefined) return gibberish("FTP", "an unnumbered greeting");
  if (greeting.code !== 220) return refusal("connection", greeting.line, password);
  let reply = yield* takeReply(`USER ${login}\r\n`);
  if (reply?.code === 331) reply = yield* takeReply(`PASS ${password}\r\n`);
  if (reply === undefined) return gibberish("FTP", "an unnumbered reply");
  if (reply.code !== 230 && reply.code !== 202) return refusal("the login", reply.line, password);
  return request === undefined ? undefined : yield* fetchScript({ ...spec, request }, actions);
}

function* fetchScript(
  { request, password }: { readonly request: string; readonly password: string },
  actions: FtpActions,
): Script {
  const passive = actions.isExtended ? "EPSV" : "PASV";
  for (const command of ["CWD /", "TYPE I", passive, `RETR ${request}`]) {
    const reply = yield* takeReply(`${command}\r\n`);
    if (reply === undefined) return gibberish("FTP", "an unnumbered reply");
    if (reply.code >= 400) return refusal(command, reply.line, password);
    if (command === passive) {
      const port = passivePort(reply.line);
      if (port === undefined) return gibberish(`an answer to ${passive}`, reply.line, password);
      actions.openData(port);
    } else if (reply.code < 200) {
      const end = yield* takeReply("");
      if (end === undefined) return gibberish("FTP", "an unnumbered reply");
      if (end.code >= 400 && !actions.hasHungUp()) return refusal(command, end.line, password);
    }
  }
  return undefined;
}

/** What {@link askFtp} needs. */
export interface FtpRequest {
  readonly spec: FtpCheckSpec;
  readonly pattern: RE2JS | undefined;
  readonly target: CheckTarget;
  readonly deadline: Deadline;
}

/** Asks; undefined: up. Both connections are closed when it settles, by the deadline. */
export async function askFtp(
  clock: Clock,
  connector: Connector,
  { spec, pattern, target, deadline }: FtpRequest,
): Promise<Failure | undefined> {
  const { address } = target;
  const answer = new SearchedAnswer(spec.receive, pattern);
  let data: Promise<Failure | undefined> | undefined;
  let hasHungUp = false;
  const openData = (port: number): void => {
    data ??= converse(clock, connector, {
      destination: prepareDestination(address, port),
      deadline,
      preface: undefined,
      tls: undefined,
      request: new Uint8Array(),
      onData: (bytes) => (hasHungUp = answer.push(bytes)),
    }).then((end) => {
      // Without a pattern an empty file will do, too.
      return end === "closed" && spec.receive === undefined ? undefined : answer.verdict(end);
    });
  };
  const isExtended = address.includes(":");
  const script = ftpScript(spec, { isExtended, openData, hasHungUp: () => hasHungUp });
  const failure = await holdDialogue(clock, connector, {
    target,
    destination: prepareDestination(address, target.port),
    deadline,
    tls: undefined,
    script,
    goodbye: "QUIT\r\n",
  });
  const dataFailure = await data;
  return failure ?? dataFailure;
}
