/** A configuration written out and read again is the same. */
import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { formatConfig, parseConfig } from "../../src/config/index.ts";
import { mailOccasions, schedulerNames } from "../../src/model/index.ts";
import type {
  CheckSpec,
  Config,
  RealServer,
  ServiceCheckSpec,
  TrackTarget,
  VirtualRouter,
  VirtualService,
} from "../../src/model/index.ts";
import { formatAddress, maskAddress } from "../../src/net/address.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).filter((bytes) => bytes[0] !== 0);
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((bytes) => bytes[0] !== 0);
const address = fc.oneof(ipv4, ipv6).map(formatAddress);
const hostName = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9-]{0,5}[a-z])?$/);
const port = fc.integer({ min: 1, max: 65535 });
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => /^[^\s"'`\\\p{C}]+$/u.test(text));
const path = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => `/x${text}`);
const cleanPath = path.filter((text) => !/\p{Cc}/u.test(text));
const text = fc.string({ unit: "binary", maxLength: 20 }).filter((one) => !one.includes("\0"));
const command = fc
  .tuple(
    cleanPath,
    fc.array(
      text.filter((one) => one.isWellFormed()),
      { maxLength: 3 },
    ),
  )
  .map(([program, words]) => [program, ...words]);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const ms = (min: number, max: number) =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(...[min, max, 1000].filter((n) => n >= min)));
const network = fc
  .tuple(fc.oneof(ipv4, ipv6), fc.nat(128))
  .map(([bytes, bits]) => ({ bytes, prefixBits: Math.min(bits, bytes.length * 8) }))
  .map(({ bytes, prefixBits }) => {
    return { address: formatAddress(maskAddress(bytes, prefixBits)), prefixBits };
  });
const networks = fc.array(network, { maxLength: 3 });

const patterns = ["Test Page", '"\\d+"', "(?i)ok\\z", "\u007f", "größe|\u{1F600}", "'''\n\"\"\""];
const http = fc.record({
  tls: fc.boolean(),
  request: fc.stringMatching(/^\/[\x21-\x7e]{0,20}$/),
  method: fc.constantFrom("GET", "HEAD"),
  virtualHost: maybe(fc.stringMatching(/^[\x21-\x7e]{1,20}$/)),
  receive: maybe(fc.constantFrom(...patterns)),
  statuses: fc.array(
    fc
      .tuple(fc.integer({ min: 100, max: 599 }), fc.integer({ min: 100, max: 599 }))
      .map(([a, b]): readonly [number, number] => [Math.min(a, b), Math.max(a, b)]),
    { minLength: 1, maxLength: 3 },
  ),
  redirectsMax: fc.nat(10),
  verify: fc.boolean(),
  caFile: maybe(cleanPath),
  serverName: maybe(hostName),
});

const word = fc.stringMatching(/^[!-~]{1,10}$/);
const login = fc.oneof(
  fc.record({ login: word, password: word }),
  fc.constant({ login: undefined, password: undefined }),
);
const noPassword = word.map((who) => ({ login: who, password: "" }));
const someone = fc.oneof(fc.record({ login: word, password: word }), noPassword);
const mailTls = fc.constantFrom(
  { verify: false, caFile: undefined, serverName: undefined },
  { verify: true, caFile: "/ca.pem", serverName: "mail.example.org" },
);
const pattern = maybe(fc.constantFrom(...patterns));
const serviceCheck: fc.Arbitrary<ServiceCheckSpec> = fc.oneof(
  fc
    .constantFrom("smtp" as const, "submission" as const, "nntp" as const, "oracle" as const)
    .map((spoken) => ({ service: spoken })),
  fc
    .tuple(fc.constantFrom("pop" as const, "imap" as const), fc.oneof(login, noPassword))
    .map(([spoken, who]) => ({ service: spoken, ...who, tls: undefined })),
  fc
    .tuple(fc.constantFrom("pops" as const, "imaps" as const), login, mailTls)
    .map(([spoken, who, own]) => ({ service: spoken, ...who, tls: own })),
  fc
    .tuple(fc.record({ login: word, password: word, request: word }), pattern)
    .map(([who, receive]) => ({ service: "ftp" as const, ...who, receive })),
  login.map((who) => ({ service: "redis" as const, ...who })),
  fc.tuple(login, maybe(word), pattern, mailTls).map(([who, request = "", receive, tls]) => {
    return { service: "ldaps" as const, ...who, request, receive, tls };
  }),
  fc.tuple(someone, word).map(([who, secret]) => ({ service: "radius" as const, ...who, secret })),
  fc
    .tuple(fc.constantFrom("mysql" as const, "pgsql" as const), someone, word, maybe(word), pattern)
    .map(([spoken, who, request, database, receive]) => {
      return { service: spoken, ...who, database, request, receive };
    }),
  fc
    .tuple(fc.constantFrom("simpletcp" as const, "udp" as const), path, pattern)
    .map(([spoken, request, receive]) => ({ service: spoken, request, receive })),
  fc
    .tuple(fc.oneof(address, hostName), pattern)
    .map(([request, receive]) => ({ service: "dns" as const, request, receive })),
);

/** The command of a type that has one; a script is told by its absolute path. */
function commandOf(type: CheckSpec["type"], [program = "", ...words]: readonly string[]) {
  if (type === "external") return [program, ...words];
  return type === "external-perl" ? [`/${program}`, ...words] : undefined;
}

/** What a check may be, with what its type has no use for taken away. */
const check = fc
  .record({
    type: fc.constantFrom("connect", "negotiate", "ping", "external", "external-perl", "on", "off"),
    connectsPerNegotiate: fc.nat(1000),
    http,
    serviceCheck: maybe(serviceCheck),
    command,
    port: maybe(port),
    intervalMs: ms(10, 86_400_000),
    timeoutMs: ms(1, 3_600_000),
    rise: fc.integer({ min: 1, max: 1000 }),
    fall: fc.integer({ min: 1, max: 1000 }),
    fastIntervalMs: ms(10, 86_400_000),
  })
  .map((raw): CheckSpec => {
    const isNegotiate = raw.type === "negotiate";
    const { tls, receive } = raw.http;
    const tlsPart = { verify: tls && raw.http.verify, caFile: undefined, serverName: undefined };
    const httpSpec = {
      ...raw.http,
      ...(tls ? { caFile: raw.http.verify ? raw.http.caFile : undefined } : tlsPart),
      method: receive === undefined ? raw.http.method : ("GET" as const),
    };
    const own = isNegotiate ? raw.serviceCheck : undefined;
    const httpService = tls ? "https" : "http";
    return {
      ...raw,
      connectsPerNegotiate: isNegotiate ? raw.connectsPerNegotiate : 0,
      service: isNegotiate ? (own?.service ?? httpService) : undefined,
      http: isNegotiate && own === undefined ? httpSpec : undefined,
      serviceCheck: own,
      command: commandOf(raw.type, raw.command),
      fastIntervalMs: Math.min(raw.fastIntervalMs, raw.intervalMs),
    };
  });

const realServer: fc.Arbitrary<RealServer> = fc
  .record({
    host: fc.oneof(address, hostName),
    port,
    weight: fc.oneof(fc.constant(1), fc.nat(65535)),
    upperThreshold: fc.oneof(fc.constant(0), fc.nat(100_000)),
    lowerThreshold: fc.nat(100_000),
    check,
  })
  .map((raw) => ({ ...raw, lowerThreshold: Math.min(raw.lowerThreshold, raw.upperThreshold) }));

const mailSettings = {
  to: fc.array(fc.constantFrom("ops@example.com", "root", "a+b@mail.example.org"), {
    maxLength: 3,
  }),
  smtp: fc.record({ host: fc.oneof(address, hostName), port }),
  repeatMs: fc.oneof(fc.constant(0), ms(1000, 2_073_600_000)),
  when: fc.subarray([...mailOccasions]),
};
const serviceMail = fc
  .record({
    to: maybe(mailSettings.to),
    smtp: maybe(mailSettings.smtp),
    repeatMs: maybe(mailSettings.repeatMs),
    when: maybe(mailSettings.when),
  })
  // A table that says nothing is as good as none.
  .map((mail) => (Object.values(mail).every((one) => one === undefined) ? undefined : mail));

const service: fc.Arbitrary<VirtualService> = fc
  .record({
    name,
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    listen: fc.array(
      fc.record({ address, portFirst: port, extra: fc.oneof(fc.constant(0), fc.nat(100)) }),
      { minLength: 1, maxLength: 3 },
    ),
    forwarding: fc.constantFrom("proxy" as const, "masq" as const),
    engine: fc.constant("auto" as const),
    scheduler: fc.constantFrom(...schedulerNames),
    persistence: maybe(
      fc.record({
        timeoutMs: ms(1000, 2_073_600_000),
        ipv4PrefixBits: fc.integer({ min: 1, max: 32 }),
        ipv6PrefixBits: fc.integer({ min: 1, max: 128 }),
      }),
    ),
    quiescent: fc.boolean(),
    fallback: maybe(fc.record({ host: fc.oneof(address, hostName), port })),
    realServers: fc.uniqueArray(realServer, {
      minLength: 1,
      maxLength: 4,
      selector: ({ host, port: number }) => `${host} ${number}`,
    }),
    isCheckShared: fc.boolean(),
    quorum: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4_294_967_295 })),
    quorumUp: maybe(command),
    quorumDown: maybe(command),
    onServiceUp: maybe(command),
    onServiceDown: maybe(command),
    fallbackCommand: maybe(command),
    monitorFile: maybe(cleanPath),
    mail: serviceMail,
    onDown: fc.constantFrom("keep" as const, "reset" as const),
    connectionLimit: fc.oneof(fc.constant(0), fc.nat(4_294_967_295)),
    allow: networks,
    deny: networks,
    timeouts: fc.record({
      connectMs: ms(1, 2_073_600_000),
      idleMs: ms(100, 2_073_600_000),
      halfClosedMs: ms(100, 2_073_600_000),
      udpIdleMs: ms(100, 2_073_600_000),
      keepaliveMs: fc.oneof(fc.constant(0), ms(1000, 32_767_000)),
      userTimeoutMs: fc.oneof(fc.constant(0), ms(1, 86_400_000)),
    }),
    sendProxy: fc.constantFrom("off" as const, "v1" as const, "v2" as const),
    acceptProxyFrom: networks,
    source: fc.constantFrom([], ["192.0.2.5", "2001:db8::5"]),
    onePacket: fc.boolean(),
    connectionLog: fc.boolean(),
  })
  .map(({ isCheckShared, ...raw }) => {
    const [first] = raw.realServers;
    const isUdp = raw.protocol === "udp";
    return {
      ...raw,
      listen: raw.listen.map(({ extra, ...one }) => {
        return { ...one, portLast: Math.min(65535, one.portFirst + extra) };
      }),
      realServers: isCheckShared
        ? raw.realServers.map((server) => ({ ...server, check: first!.check }))
        : raw.realServers,
      sendProxy: isUdp ? "off" : raw.sendProxy,
      acceptProxyFrom: isUdp ? [] : raw.acceptProxyFrom,
      onePacket: isUdp && raw.onePacket,
    };
  });

const loopback = fc.record({ address: fc.constantFrom("127.0.0.1", "::1"), port: fc.nat(65535) });
const engine = fc.constantFrom("native" as const, "portable" as const);

const virtualNetworks = { 4: "192.0.2.", 6: "2001:db8::" } as const;

/** Its timeout is not above its interval. */
const trackTimes = ms(100, 86_400_000).chain((intervalMs) =>
  fc.record({
    intervalMs: fc.constant(intervalMs),
    timeoutMs: fc.integer({ min: 10, max: Math.min(intervalMs, 3_600_000) }),
  }),
);

const trackTarget: fc.Arbitrary<TrackTarget> = fc.oneof(
  fc.record({ type: fc.constant("interface" as const), interface: fc.constant("eth2") }),
  trackTimes.map((times) => ({ type: "ping" as const, address: "192.0.2.1", ...times })),
  fc
    .tuple(command, trackTimes)
    .map(([script, times]) => ({ type: "script" as const, command: script, ...times })),
);

/** Virtual routers of one family each; their addresses and identifiers differ by their number. */
const virtualRouters: fc.Arbitrary<VirtualRouter[]> = fc
  .array(
    fc.record({
      version: fc.constantFrom(2 as const, 3 as const),
      family: fc.constantFrom(4 as const, 6 as const),
      priority: fc.integer({ min: 10, max: 255 }),
      count: fc.integer({ min: 1, max: 4 }),
      isWhole: fc.boolean(),
      label: maybe(fc.constant("eth0:7")),
      isUnicast: fc.boolean(),
      seconds: fc.integer({ min: 1, max: 30 }),
      preempt: fc.boolean(),
      preemptDelayMs: ms(0, 86_400_000),
      startDelayMs: ms(0, 86_400_000),
      group: maybe(fc.constant("edge")),
      track: fc.array(trackTarget, { maxLength: 3 }),
      announces: fc.boolean(),
      resources: fc.array(command, { maxLength: 2 }),
      onActive: maybe(command),
      notify: maybe(command),
      hasExcluded: fc.boolean(),
    }),
    { maxLength: 4 },
  )
  .map((list) =>
    list.map((raw, number): VirtualRouter => {
      const version = raw.family === 6 ? 3 : raw.version;
      const addressOf = (index: number, isAdvertised: boolean) => ({
        address: `${virtualNetworks[raw.family]}${number * 10 + index + 1}`,
        prefixBits: raw.family === 4 ? (raw.isWhole ? 32 : 24) : raw.isWhole ? 128 : 64,
        interface: isAdvertised ? "eth0" : "eth1",
        label: raw.label,
        isAdvertised,
      });
      const advertised = Array.from({ length: raw.count }, (_, index) => addressOf(index, true));
      return {
        name: `router-${number}`,
        interfaces: number === 0 ? ["eth0"] : ["eth0", "ha0"],
        vrid: number + 1,
        version,
        family: raw.family,
        priority: raw.priority,
        addresses: [...advertised, ...(raw.hasExcluded ? [addressOf(8, false)] : [])],
        peers: raw.isUnicast ? [`${virtualNetworks[raw.family]}99`] : undefined,
        password: version === 2 ? "s3cret" : undefined,
        keyFile: version === 3 && raw.isUnicast ? "/etc/appliance/vrrp.key" : undefined,
        advertiseIntervalMs: 1000,
        downAfterMs: raw.seconds * 3000,
        preempt: raw.preempt,
        preemptDelayMs: raw.preemptDelayMs,
        startDelayMs: raw.startDelayMs,
        group: raw.group,
        track: raw.track,
        witness: raw.track.some(({ type }) => type === "ping") ? "require" : "prefer",
        announces: raw.announces,
        resources: raw.resources,
        onActive: raw.onActive,
        notify: raw.notify,
      };
    }),
  );

const peer = maybe(
  fc.record({
    address: fc.constantFrom("192.0.2.3", "2001:db8::3"),
    port: fc.integer({ min: 1, max: 65_535 }),
    keyFile: cleanPath,
  }),
);

const seconds = fc.integer({ min: 1, max: 86_400 }).map((count) => count * 1000);

const config: fc.Arbitrary<Config> = fc.record({
  virtualRouters,
  peer,
  director: fc.record({
    engine: fc.constant("auto" as const),
    stopTimeoutMs: ms(0, 2_073_600_000),
    scriptUser: fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,10}$/),
    logLevel: fc.constantFrom("error", "warning", "info", "debug"),
    autoreload: fc.boolean(),
    maintenanceDir: maybe(cleanPath),
    onConfigChange: maybe(command),
  }),
  proxy: fc
    .record({
      workers: fc.integer({ min: 1, max: 256 }),
      engine,
      experimentalSockmap: fc.boolean(),
    })
    .map((raw) => (raw.engine === "portable" ? { ...raw, workers: 1 } : raw)),
  ipvs: fc.record({
    // Needs a virtual router beside it.
    syncInterface: fc.constant(undefined),
    syncId: fc.nat(255),
    tcpTimeoutMs: maybe(seconds),
    tcpFinTimeoutMs: maybe(seconds),
    udpTimeoutMs: maybe(seconds),
  }),
  status: fc.record({
    listen: maybe(loopback),
    readTokenFile: maybe(cleanPath),
    writeTokenFile: maybe(cleanPath),
  }),
  mail: fc.record({
    ...mailSettings,
    from: maybe(fc.constantFrom("lb@example.com", "Director <lb@example.com>")),
  }),
  virtualServices: fc.uniqueArray(service, {
    minLength: 1,
    maxLength: 3,
    selector: ({ name: one }) => one,
  }),
});

/** Addresses that overlap by chance are another test's business. */
function isUsable({ virtualServices, status }: Config): boolean {
  const listen = virtualServices.flatMap((one) => one.listen.map(({ address: at }) => at));
  const hosts = virtualServices.flatMap((one) => [
    ...one.realServers.map(({ host }) => host),
    one.fallback?.host ?? "",
  ]);
  const taken = [...listen, status.listen?.address ?? "127.0.0.1"];
  return new Set(taken).size === taken.length && !hosts.some((host) => listen.includes(host));
}

test.each([true, false])("formatConfig() then parseConfig() is identity (all: %p)", (all) => {
  const environment = { cores: 4 };
  const property = fc.property(config.filter(isUsable), (before) => {
    const written = formatConfig(before, { withDefaults: all, environment });
    const { config: after } = parseConfig(written, "a.toml", environment);
    expect(after).toEqual(before);
  });
  fc.assert(property, { seed, numRuns });
});
