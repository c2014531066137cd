/**
 * A client that watches an address from the wire, in a process and a network namespace of its own:
 * who answers for it, and whether the service behind it is there.
 *
 *     bun test/helpers/failover/observer.ts SETTINGS        SETTINGS: JSON, ObserverSettings
 *
 * Each millisecond, or as often as it is told, it asks every director for the address, by ARP and by echo, at its MAC, and
 * sends an echo request as any client would, to wherever its neighbour table says. Each few
 * milliseconds it fetches a page by a new connection. Prints "observing", and writes an {@link Observation} at the
 * end. One thread that never waits for anything but time and packets.
 *
 * @module
 */
import { readFileSync, writeFileSync, writeSync } from "node:fs";

import { monotonicMs } from "../../../ffi/clock.ts";
import { EPOLLIN, EPOLLOUT } from "../../../ffi/constants/epoll.ts";
import { AF_PACKET, ETH_P_ARP } from "../../../ffi/constants/interface.ts";
import {
  AF_INET,
  SO_ERROR,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../../ffi/constants/socket.ts";
import { Poller } from "../../../ffi/epoll.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { encodeLinkSockaddr, receivePacket, sendPacket } from "../../../ffi/packet.ts";
import { lockMemory, preferThread } from "../../../ffi/realtime.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { checkResult, closeDescriptor, getOption, openSocket } from "../../../ffi/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { encodeEcho } from "../../../src/net/icmp.ts";
import { clientBit, directorBit } from "./observation.ts";
import type { Observation, ObserverSettings, PageOutcome } from "./observation.ts";
import { decodeAnswer, encodeArpQuestion, encodeEchoQuestion } from "./question.ts";
import type { QuestionPlace } from "./question.ts";

const ipv4Type = 0x0800;
const protocolIcmp = 1;
/** Identifier of the client's own echo; those of the directors follow. */
const clientIdentifier = 0x7000;
/** A stall of this process: what was missed is not asked in a burst. */
const stallMs = 20;
/** An answer after this time is none. */
const patienceMs = 200;
/** Time after the end that answers are waited for, and longer for pages. */
const lingerMs = patienceMs + 10;
const request = new TextEncoder().encode("GET / HTTP/1.0\r\nHost: v\r\n\r\n");
/** Connections that wait, frames that were read at once. */
const eventsMax = 256;

interface Fetch {
  readonly fd: number;
  readonly startedMs: number;
  text: string;
  hasAsked: boolean;
}

function readDevice(device: string, file: string): string {
  return readFileSync(`/sys/class/net/${device}/${file}`, "utf8").trim();
}

function openFrames(device: string, etherType: number): number {
  const fd = openSocket(AF_PACKET, SOCK_RAW, 0);
  const index = Number(readDevice(device, "ifindex"));
  const sockaddr = encodeLinkSockaddr({ etherType, index });
  checkResult(libc.bind(fd, addressOf(sockaddr), sockaddr.length), "bind", device);
  return fd;
}

class Observer {
  readonly #settings: ObserverSettings;
  readonly #place: QuestionPlace;
  readonly #macs: readonly string[];
  readonly #questions: readonly Uint8Array[];
  readonly #to: Uint8Array;
  readonly #out = openSocket(AF_PACKET, SOCK_RAW, 0);
  readonly #echo = openSocket(AF_INET, SOCK_RAW, protocolIcmp);
  readonly #poller = new Poller(eventsMax);
  readonly #buffer = new Uint8Array(2048);
  readonly #fetches = new Map<number, Fetch>();
  readonly #toVirtual: Uint8Array;
  readonly #askedAtMs: number[] = [];
  readonly #answers: number[] = [];
  readonly #pages: [startedMs: number, endedMs: number, outcome: PageOutcome][] = [];
  readonly #claims: [atMs: number, director: number][] = [];

  constructor(settings: ObserverSettings) {
    this.#settings = settings;
    this.#macs = settings.directors.map((mac) => mac.replaceAll(":", ""));
    const { device, watchDevice } = settings;
    this.#place = {
      clientMac: Uint8Array.fromHex(readDevice(watchDevice, "address").replaceAll(":", "")),
      client: parseAddress(settings.watcher)!,
      virtual: parseAddress(settings.virtual)!,
    };
    this.#questions = this.#macs.map((mac) =>
      encodeArpQuestion(this.#place, Uint8Array.fromHex(mac)),
    );
    this.#toVirtual = encodeSockaddr(this.#place.virtual, 0);
    const index = Number(readDevice(watchDevice, "ifindex"));
    this.#to = encodeLinkSockaddr({ etherType: 0, index });
    for (const [from, etherType] of [
      [watchDevice, ETH_P_ARP],
      [watchDevice, ipv4Type],
      [device, ipv4Type],
    ] as const) {
      this.#poller.add(openFrames(from, etherType), EPOLLIN, 0);
    }
  }

  run(): Observation {
    const { seconds, askIntervalMs, pageIntervalMs, pagePatienceMs } = this.#settings;
    const endMs = monotonicMs() + seconds * 1000;
    let askAtMs = monotonicMs();
    let fetchAtMs = askAtMs;
    for (;;) {
      const nowMs = monotonicMs();
      const isLate = nowMs > endMs + lingerMs;
      if (isLate && (this.#fetches.size === 0 || nowMs > endMs + pagePatienceMs + 10)) break;
      if (nowMs >= askAtMs && nowMs < endMs) {
        this.#ask(nowMs);
        askAtMs = Math.max(askAtMs, nowMs - stallMs) + askIntervalMs;
      }
      if (pageIntervalMs > 0 && nowMs >= fetchAtMs && nowMs < endMs) {
        this.#fetch(nowMs);
        fetchAtMs =
          nowMs > fetchAtMs + stallMs ? nowMs + pageIntervalMs : fetchAtMs + pageIntervalMs;
      }
      this.#take();
      this.#expire(nowMs);
    }
    return {
      askedAtMs: this.#askedAtMs,
      answers: this.#answers,
      pages: this.#pages,
      claims: this.#claims,
    };
  }

  #ask(nowMs: number): void {
    const sequence = this.#askedAtMs.length & 0xffff;
    this.#askedAtMs.push(nowMs);
    this.#answers.push(0);
    const kind = "request";
    const data = new Uint8Array(8);
    const echo = encodeEcho(4, { kind, identifier: clientIdentifier, sequence, data });
    sendPacket(this.#echo, echo, this.#toVirtual);
    // It gets a copy of every reply, which the packet socket has too.
    while (receivePacket(this.#echo, this.#buffer) !== undefined);
    for (const [director, mac] of this.#macs.entries()) {
      sendPacket(this.#out, this.#questions[director]!, this.#to);
      const identifier = clientIdentifier + 1 + director;
      const bytes = Uint8Array.fromHex(mac);
      const numbers = { identifier, sequence };
      sendPacket(this.#out, encodeEchoQuestion(this.#place, bytes, numbers), this.#to);
    }
  }

  #take(): void {
    const count = this.#poller.wait(1);
    for (let event = 0; event < count; event++) {
      const fd = this.#poller.descriptor(event);
      const fetch = this.#fetches.get(fd);
      if (fetch !== undefined) this.#advance(fetch);
      else this.#drain(fd);
    }
  }

  #drain(fd: number): void {
    for (;;) {
      const frame = receivePacket(fd, this.#buffer);
      if (frame === undefined) return;
      const answer = decodeAnswer(frame, this.#place.virtual);
      if (answer === undefined) continue;
      const director = this.#macs.indexOf(answer.mac);
      const last = this.#askedAtMs.length - 1;
      if (answer.type === "echo") this.#noteEcho(answer.identifier, answer.sequence, director);
      else if (answer.isGratuitous) this.#claims.push([monotonicMs(), director]);
      // An answer by ARP does not say to which question: it comes within microseconds.
      else if (last >= 0 && director !== -1) this.#answers[last]! |= directorBit(director, "arp");
    }
  }

  #noteEcho(identifier: number, sequence: number, director: number): void {
    const last = this.#askedAtMs.length - 1;
    const question = last - ((last - sequence) & 0xffff);
    const askedMs = this.#askedAtMs[question];
    if (askedMs === undefined || monotonicMs() - askedMs > patienceMs) return;
    if (identifier === clientIdentifier) this.#answers[question]! |= clientBit;
    else if (director === identifier - clientIdentifier - 1) {
      this.#answers[question]! |= directorBit(director, "echo");
    }
  }

  #fetch(nowMs: number): void {
    const fd = openSocket(AF_INET, SOCK_STREAM);
    const { virtual } = this.#place;
    const sockaddr = encodeSockaddr(virtual, this.#settings.port);
    libc.connect(fd, addressOf(sockaddr), sockaddr.length);
    this.#fetches.set(fd, { fd, startedMs: nowMs, text: "", hasAsked: false });
    this.#poller.add(fd, EPOLLOUT, 0);
  }

  #advance(fetch: Fetch): void {
    const { fd } = fetch;
    if (!fetch.hasAsked) {
      if (getOption(fd, SOL_SOCKET, SO_ERROR) !== 0) return this.#end(fetch, "refused");
      libc.send(fd, addressOf(request), request.length, 0);
      fetch.hasAsked = true;
      this.#poller.modify(fd, EPOLLIN, 0);
      return;
    }
    const bytes = receivePacket(fd, this.#buffer);
    if (bytes === undefined) return this.#end(fetch, "reset");
    if (bytes.length > 0) fetch.text += new TextDecoder().decode(bytes);
    else this.#end(fetch, / 200 /.test(fetch.text) ? "ok" : "closed");
  }

  #end({ fd, startedMs }: Fetch, outcome: PageOutcome): void {
    this.#poller.remove(fd);
    this.#fetches.delete(fd);
    closeDescriptor(fd);
    this.#pages.push([startedMs, monotonicMs(), outcome]);
  }

  #expire(nowMs: number): void {
    for (const fetch of this.#fetches.values()) {
      if (nowMs - fetch.startedMs <= this.#settings.pagePatienceMs) return;
      this.#end(fetch, "timeout");
    }
  }
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- observation.ts wrote it.
const settings = JSON.parse(process.argv[2]!) as ObserverSettings;
// What is measured must not be the lateness of the measuring.
preferThread(settings.schedulingPriority);
lockMemory();
const observer = new Observer(settings);
writeSync(1, "observing\n");
writeFileSync(settings.path, JSON.stringify(observer.run()));
writeSync(1, "observed\n");
