/**
 * Real servers that tell their visitors' secrets: each greets as its protocol wants, lets the client
 * get as far as its password, and sends all of that back in its refusal, with a terminal's control
 * sequences around it.
 *
 *     bun test/helpers/echo-server.ts ADDRESS
 *
 * Prints "listening" and the ports by protocol as JSON.
 *
 * @module
 */

/** What a protocol says. */
interface Talk {
  readonly greeting?: string;
  /** Lines that match are answered with this; all others with a refusal that repeats everything. */
  readonly go?: readonly (readonly [RegExp, string])[];
  /** Begins a refusal; `TAG` is the first word of what was said last. */
  readonly refusal: string;
}

const talks: Readonly<Record<string, Talk>> = {
  pop: { greeting: "+OK hi\r\n", go: [[/^USER/i, "+OK\r\n"]], refusal: "-ERR " },
  imap: { greeting: "* OK hi\r\n", refusal: "TAG NO " },
  ftp: { greeting: "220 hi\r\n", go: [[/^USER/i, "331 go on\r\n"]], refusal: "530 " },
  redis: { refusal: "-ERR " },
  http: { refusal: "HTTP/1.1 401 " },
  mysql: { greeting: "J\0\0\0\n8.0\0", refusal: "\xff" },
  pgsql: { refusal: "E" },
  ldap: { refusal: "0" },
};

/** Hides what was before it on a terminal, and makes it red. */
const control = "\u001b[2J\u001b[31m";

function serve(hostname: string, { greeting, go = [], refusal }: Talk): number {
  const { port } = Bun.listen<{ seen: string }>({
    hostname,
    port: 0,
    socket: {
      open(socket) {
        socket.data = { seen: "" };
        if (greeting !== undefined) socket.write(greeting);
      },
      data(socket, bytes) {
        const text = bytes.toString("latin1");
        socket.data.seen += text.trim();
        const answer = go.find(([pattern]) => pattern.test(text))?.[1];
        if (answer !== undefined) return void socket.write(answer);
        const [tag = ""] = text.split(" ");
        socket.end(`${refusal.replace("TAG", tag)}${control}${socket.data.seen}\r\n\r\n`);
      },
    },
  });
  return port;
}

if (import.meta.main) {
  const ports = Object.entries(talks).map(([name, talk]) => [name, serve(process.argv[2]!, talk)]);
  process.stdout.write(`listening ${JSON.stringify(Object.fromEntries(ports))}\n`);
}
