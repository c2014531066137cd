/**
 * A real server that says who it is and through whom a connection came, then repeats what it gets.
 *
 *     bun test/helpers/scale-out/server.ts ADDRESS PORT
 *
 * The first line of a connection is `SERVER DIRECTOR`, both addresses; the second one is that of the
 * client where the connection is the client's own. Listens on all addresses. Prints "listening".
 *
 * @module
 */
import { createServer } from "node:net";

const [, , address, port] = process.argv;

const server = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.write(`${address} ${socket.remoteAddress}\n`);
  socket.pipe(socket);
});
server.listen(Number(port), "0.0.0.0", () => process.stdout.write("listening\n"));
