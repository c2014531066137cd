/**
 * Promises that the bpf engine does not keep, each with the reason. It sees packets, not
 * connections: it has no bytes of its own, and ends nothing by itself.
 *
 * @module
 */

const countsNoEnds = "it sees packets, and not why a connection ended";
const saysNothing = "it sends no packet of its own: the next one of the flow ends it";
const dropsUnserved = "it drops what no server may take: the client waits and tries again";
const connectsNot = "the client's own handshake goes to the server: there is no connect to repeat";
const hasNoListener = "it opens no listener";
const countsPackets = "its bytes are those of packets, with their headers";
const keepsEntries = "it forgets a flow that is idle, and tells nobody";
const refused = "it refuses a service with this: src/datapath/bpf/refuse.ts";
const notCounted = "entries of persistence are not counted";

/** By reason: names of promises, or what all of a kind have in common. */
const exceptions: readonly (readonly [reason: string, ...names: (string | RegExp)[]])[] = [
  [
    countsNoEnds,
    "a client's half-close leaves the answer open",
    "a server's half-close leaves the client's direction open",
    "a client's reset reaches the server as a reset",
    "a server's reset reaches the client as a reset",
    "a reset after a half-close reaches the other side",
    "a reset ends a connection whose client reads nothing",
    "300 connections at once leave no descriptor behind",
    "the end of a connection is told with its cause",
    "without a connection log nothing is told",
    "waits for connections to end and takes no new ones",
    "the end of a flow is told",
  ],
  [
    "a half-closed connection has ended for it, and is listed until its last packets",
    "a half-closed connection counts as inactive",
  ],
  [
    saysNothing,
    "a server that is reset loses its flows, others do not",
    "a server that is down, with on_down reset, loses its flows, others do not",
    "a removed server loses its flows, others do not",
    "a removed service closes its listener and resets its connections",
    "an added service disturbs no other",
    "resets what is left when the time is over",
    "does not wait when told to hurry",
  ],
  [
    dropsUnserved,
    "a client is turned away without a server",
    "a server of weight 0 alone is no server",
    "a quiescent server alone is no server",
    "a server that is down alone is no server",
    "a server that comes back gets connections again",
    "a client is turned away when every server is full",
    "the connection limit turns away whoever is one too many",
    "a full server gets new connections again at its lower threshold",
    "a full server gets new connections again at three quarters of the upper one",
  ],
  [
    "it drops what is denied: the client hears nothing",
    "a denied client is turned away, others are not",
    "with an allow list nobody else is served",
    "deny wins over allow",
    "nothing of a denied client reaches a server",
  ],
  ["the test connects from the director's own host", "a range of ports is one service"],
  [
    "the test has no network of IPv6",
    "relays from IPv6 clients",
    "IPv6 and IPv4 are listened on apart",
  ],
  [
    connectsNot,
    "another server takes over when a connect is refused",
    "what the client has sent already reaches the other server whole",
    "a client is turned away when every connect is refused",
    "another server takes over when a connect times out",
    "a client is turned away when the only connect times out",
    "a client that leaves while a connect is under way is forgotten",
    "a flow moves when its server refuses",
  ],
  [
    hasNoListener,
    "an address that the host does not have can be listened on",
    "an address in use is a problem of its service alone",
    "an address gives way to the wildcard and back",
    "UDP answers come from the address the client asked, behind a wildcard",
    "lets UDP flows have their answers",
  ],
  [
    countsPackets,
    "counters match the traffic",
    "totals of a service stay when a server leaves",
    "packets and bytes are counted",
  ],
  [
    keepsEntries,
    "an idle connection is ended",
    "traffic one way keeps a connection",
    "a half-closed connection that is quiet is ended",
    "a flow ends when it is idle",
    "100 flows leave no descriptor behind",
  ],
  [
    refused,
    /PROXY|UNKNOWN|LOCAL|header|is taken off/,
    "version 1 says who the client is",
    "version 2 says who the client is, before it says anything",
    "IPv6 clients are told in IPv6, whatever the server speaks",
    "a listed client that says nothing is ended",
    "lists judge the client of the header, not who brings it",
    "one-packet scheduling obeys the lists and the limit",
    "a server at its upper threshold gets nothing new",
    "a server of another family is reached",
    "connects come from the source addresses in turn",
    "relays between families",
    "with one-packet scheduling each datagram is scheduled",
  ],
  [
    notCounted,
    "clients of persistent services are counted",
    "a client's entry ends some time after its last connection",
  ],
  ["it is an engine of the kernel", "forwarding by the kernel is refused"],
  [
    "the addresses of the client's own network are the director's in this test",
    "UDP answers come from the address the client asked",
  ],
];

/** Why the engine does not keep a promise, by the name of its test; undefined: it does. */
export function bpfException(promise: string): string | undefined {
  const isMeant = (name: string | RegExp): boolean =>
    typeof name === "string" ? name === promise : name.test(promise);
  return exceptions.find(([, ...names]) => names.some(isMeant))?.[0];
}
