import * as dgram from "node:dgram";
import * as net from "node:net";
import * as os from "node:os";
import { Resolver } from "node:dns/promises";
import { Deadline } from "../deadline";
import type { Answer, Dial, HostFacts, Route } from "../facts";
import { run } from "./run";

/**
 * The way of the kernel to an address. Connecting a datagram socket asks for the route and sends nothing.
 */
export function routeTo(address: string): Promise<Route> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    const done = (route: Route) => {
      socket.close();
      resolve(route);
    };
    socket.once("error", (error: NodeJS.ErrnoException) => done({ problem: error.code ?? error.message }));
    // Given to connect as a callback it would get the errors as well.
    socket.once("connect", () => {
      const source = socket.address().address;
      const name = Object.entries(os.networkInterfaces()).find(([, addresses]) =>
        addresses?.some((candidate) => candidate.address === source),
      )?.[0];
      done({ source, ...(name === undefined ? {} : { interface: name }) });
    });
    // Port 9 is discard's; nothing is sent there.
    socket.connect(9, address);
  });
}

/** Opens a TCP connection and hands it on, or says why there is none. */
export function dial(address: string, port: number, deadline: Deadline): Promise<Dial & { socket?: net.Socket }> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port });
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ state: "silent" });
    }, deadline.left());
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      // Whoever takes it over listens for errors; until then they are nobody's.
      socket.on("error", () => undefined);
      resolve({ state: "open", socket });
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const code = error.code ?? error.message;
      const state =
        code === "ECONNREFUSED" || code === "ECONNRESET" ? "refused" : code === "ETIMEDOUT" ? "silent" : "unreachable";
      resolve({ state, code });
    });
  });
}

/** Whether the address answers one ping; undefined where there is no ping or it may not be used. */
export async function pings(address: string, deadline: Deadline): Promise<boolean | undefined> {
  const wait = process.platform === "darwin" ? ["-t", "1"] : ["-W", "1"];
  const { status, stderr } = await run("ping", ["-n", "-q", "-c", "1", ...wait, address], deadline);
  // Statuses of iputils and BSD: 0 an answer, 1 or 2 none; 2 with words on stderr is a fault of its own.
  return status === 0 ? true : status === -1 || stderr !== "" ? undefined : false;
}

/** State of the address in the neighbour table of Linux; undefined elsewhere, and off the LAN. */
export async function neighbourOf(address: string, deadline: Deadline): Promise<string | undefined> {
  const { status, stdout } = await run("ip", ["neigh", "show", address], deadline);
  return status === 0 ? /\b([A-Z]+)\s*$/m.exec(stdout)?.[1] : undefined;
}

/** Dial, ping and neighbour table at once; the open connection is handed on. */
export async function reach(
  address: string,
  port: number,
  deadline: Deadline,
): Promise<Pick<HostFacts, "dial" | "neighbour" | "pings"> & { socket?: net.Socket }> {
  const [{ socket, ...dialled }, ping] = await Promise.all([dial(address, port, deadline), pings(address, deadline)]);
  // After the dial, which made the kernel ask.
  const neighbour = dialled.state === "open" ? undefined : await neighbourOf(address, new Deadline(500));
  return {
    dial: dialled,
    ...(ping === undefined ? {} : { pings: ping }),
    ...(neighbour === undefined ? {} : { neighbour }),
    ...(socket ? { socket } : {}),
  };
}

/** Asks one resolver for the IPv4 addresses of every name. */
export async function ask(
  server: string,
  names: readonly string[],
  deadline: Deadline,
): Promise<Readonly<Record<string, Answer>>> {
  const resolver = new Resolver({ timeout: Math.max(100, Math.round(deadline.left() / 2)), tries: 1 });
  resolver.setServers([server]);
  const one = async (name: string): Promise<Answer> => {
    try {
      return { addresses: await deadline.orElse(resolver.resolve4(name), []) };
    } catch (error) {
      return { addresses: [], problem: (error as NodeJS.ErrnoException).code ?? String(error) };
    }
  };
  const answers = await Promise.all(names.map(async (name) => [name, await one(name)] as const));
  resolver.cancel();
  return Object.fromEntries(
    answers.map(([name, answer]) => [
      name,
      answer.addresses.length === 0 && answer.problem === undefined ? { ...answer, problem: "ETIMEOUT" } : answer,
    ]),
  );
}
