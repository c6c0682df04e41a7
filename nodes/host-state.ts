import * as pulumi from "@pulumi/pulumi";
import type { Client } from "ssh2";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Connection } from "./host";
import { BASH_FROM_STDIN, connect, type SshTarget } from "./ssh";

/** Facts of a machine, text to text; the same keys in what is expected and in what a probe finds. */
export type Facts = Readonly<Record<string, string>>;

export interface HostStateArgs {
  /** Shown in messages. */
  machine: string;
  connection: pulumi.Input<Connection>;
  /** Bash text that only reads and prints the facts as one JSON object. */
  probe: string;
  expected: Facts;
  /** Bash text that brings the machine back; the same idempotent step that set it up. */
  repair: pulumi.Input<string>;
}

interface Props extends Omit<HostStateArgs, "connection" | "repair">, SshTarget {
  /** As `packed` gives it. */
  repair: string;
  providerVersion: number;
  facts?: Record<string, string>;
}

/**
 * Raise it whenever the provider's code below, or that in ssh.ts, changes: the code is stored in the state, and the engine runs the stored
 * code until an input differs (pulumi/pulumi#6490).
 */
export const PROVIDER_VERSION = 5;

/**
 * A step's text for the state, in which it stands twice beside the two of its step: gzip, in base64. The engine writes all of the
 * state at the begin and end of each resource, one after the other, so that its size decides how fast a rebuild can be
 * (pulumi/pulumi pkg/backend/snapshot.go, defaultServiceLoop).
 */
export function packed(text: string): string {
  return gzipSync(text).toString("base64");
}

function unpacked(text: string): string {
  // Required inside, because a module captured by value would not work after serialization.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const zlib = require("node:zlib") as { gunzipSync: typeof gunzipSync };
  return zlib.gunzipSync(Buffer.from(text, "base64")).toString("utf8");
}

/** Whether it is the same text, packed by whichever zlib; one that is not known yet is another. */
function sameText(one: string, other: string): boolean {
  try {
    return one === other || unpacked(one) === unpacked(other);
  } catch {
    return false;
  }
}

/** Facts that are not as expected, each as `name: found, expected`. */
function differences(expected: Facts, facts: Record<string, string> | undefined): string[] {
  return Object.keys(expected)
    .filter((name) => expected[name] !== facts?.[name])
    .map((name) => `${name}: is '${facts?.[name] ?? "unknown"}', should be '${expected[name]}'`);
}

/** A connection to one machine that all its states share, in the one process that serves them. */
interface SharedConnection {
  /** The logged-in client; rejected with why the machine cannot be asked. */
  client: Promise<Client>;
  /** Texts that run now, and those that wait for a channel. */
  running: number;
  waiting: (() => void)[];
  idle?: NodeJS.Timeout;
}

/** sshd's own limit of channels on one connection is 10 (MaxSessions). */
const CHANNELS = 8;
/** An idle connection is kept this long: the states of a machine come one after the other as their steps end. */
const IDLE_MILLISECONDS = 3000;

/**
 * Runs bash text as root on the machine and returns what it prints; the text is never part of the command line.
 * A connection that breaks is made again once: a probe only reads, and a step that goes on without its connection is
 * waited for by whoever comes back with the same text.
 */
async function runOverSsh(props: Props, text: string, seconds: number): Promise<string> {
  try {
    return await runOnce(props, text, seconds);
  } catch (error) {
    if ((error as { broken?: boolean }).broken !== true) {
      throw error;
    }
    return runOnce(props, text, seconds);
  }
}

async function runOnce(props: Props, text: string, seconds: number): Promise<string> {
  const { user = "root" } = props.connection;
  const shared = sharedConnection(props);
  if (shared.running >= CHANNELS) {
    await new Promise<void>((go) => shared.waiting.push(go));
  }
  shared.running += 1;
  clearTimeout(shared.idle);
  try {
    const client = await shared.client;
    return await new Promise<string>((resolve, reject) => {
      const broken = () => reject(Object.assign(unreachable(props, "the connection broke"), { broken: true }));
      client.once("close", broken);
      client.exec(
        `${user === "root" ? "" : "sudo -n "}timeout -k 10 ${seconds} ${BASH_FROM_STDIN}`,
        (error, channel) => {
          if (error) {
            client.removeListener("close", broken);
            reject(Object.assign(unreachable(props, error.message), { broken: true }));
            return;
          }
          let stdout = "";
          let stderr = "";
          channel.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
          channel.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
          channel.on("close", (code: number | null | undefined) => {
            client.removeListener("close", broken);
            if (code === 0) {
              resolve(stdout);
            } else if (code === undefined) {
              // The channel closed without a word on how the command ended: the connection is gone.
              broken();
            } else {
              reject(new Error(`${props.machine}: exit status ${code ?? "none"}: ${stderr.trim() || stdout.trim()}`));
            }
          });
          channel.end(text);
        },
      );
    });
  } finally {
    shared.running -= 1;
    const next = shared.waiting.shift();
    if (next) {
      next();
    } else if (shared.running === 0) {
      shared.idle = setTimeout(() => {
        connections().delete(connectionKey(props));
        void shared.client.then(
          (client) => client.end(),
          () => undefined,
        );
      }, IDLE_MILLISECONDS);
      // The process may end while a connection is idle.
      shared.idle.unref();
    }
  }
}

/** Of the process: this code is serialized once for each state, and a variable of the module would be, too. */
function connections(): Map<string, SharedConnection> {
  const holder = globalThis as { homelabConnections?: Map<string, SharedConnection> };
  holder.homelabConnections ??= new Map();
  return holder.homelabConnections;
}

function connectionKey({ connection }: Props): string {
  return JSON.stringify(connection);
}

function unreachable({ machine, connection: { host, port = 22 } }: Props, reason: string): Error {
  return new Error(`${machine} (${host}:${port}) cannot be asked: ${reason}. This is no drift: its state is unknown.`);
}

function sharedConnection(props: Props): SharedConnection {
  const key = connectionKey(props);
  const known = connections().get(key);
  if (known) {
    return known;
  }
  const made: Omit<SharedConnection, "client"> = { running: 0, waiting: [] };
  // Declared before it is used: the serializer takes a name that is used above its declaration for a captured one.
  const forget = () => {
    // A later connection under the same key is somebody else's.
    if (connections().get(key) === made) {
      connections().delete(key);
    }
  };
  const shared: SharedConnection = Object.assign(made, { client: logIn(props, forget) });
  connections().set(key, shared);
  return shared;
}

/**
 * A busy machine takes long to say hello, and the engine's refresh gives up everything at the first error. One that
 * drops what is sent to it is waited for as long.
 */
const LOGIN_SECONDS = 60;

async function logIn(props: Props, closed: () => void): Promise<Client> {
  try {
    return await connect(props, { seconds: LOGIN_SECONDS, closed });
  } catch (error) {
    throw unreachable(props, (error as Error).message);
  }
}

async function probe(props: Props): Promise<Record<string, string>> {
  const printed = await runOverSsh(props, props.probe, 60);
  return JSON.parse(printed.trim().split("\n").pop() ?? "") as Record<string, string>;
}

/**
 * Asserts the expected state, and runs the step once more where it is missing: the machine may have drifted since, or
 * the run before may have been interrupted between the step and its state.
 */
async function converge(props: Props): Promise<Record<string, string>> {
  let facts = await probe(props);
  if (differences(props.expected, facts).length > 0) {
    await runOverSsh(props, unpacked(props.repair), 3600);
    facts = await probe(props);
  }
  const wrong = differences(props.expected, facts);
  if (wrong.length > 0) {
    throw new Error(`${props.machine} is not as expected, even after its step ran again:\n  ${wrong.join("\n  ")}`);
  }
  return facts;
}

/** Exported for tests; the program uses it through HostState alone. */
export const hostStateProvider: pulumi.dynamic.ResourceProvider<Props, Props> = {
  async create(inputs: Props) {
    return { id: inputs.machine, outs: { ...inputs, facts: await converge(inputs) } };
  },

  async read(id: string, props?: Props) {
    if (!props) {
      throw new Error("a host state cannot be imported; it is made by its step");
    }
    return { id, props: { ...props, facts: await probe(props) } };
  },

  diff(_id: string, olds: Props, news: Props) {
    const drifted = differences(news.expected, olds.facts).length > 0;
    const inputs: (keyof Props)[] = ["machine", "connection", "probe", "expected", "providerVersion"];
    const edited = inputs.some((name) => JSON.stringify(olds[name]) !== JSON.stringify(news[name]));
    return Promise.resolve({ changes: drifted || edited || !sameText(olds.repair, news.repair) });
  },

  async update(_id: string, _olds: Props, news: Props) {
    return { outs: { ...news, facts: await converge(news) } };
  },
};

/**
 * Makes a part of a machine visible to `pulumi refresh`: `read` runs the probe, `diff` compares the facts with what is
 * expected, `update` runs the step again. Creating it asserts that the step before it has reached the expected state,
 * with one more run of the step where it has not.
 * An unreachable machine is an error that says so, never drift. Deleting it does nothing to the machine.
 */
export class HostState extends pulumi.dynamic.Resource {
  /** Facts as last seen by create, update or refresh. */
  declare public readonly facts: pulumi.Output<Record<string, string>>;

  public constructor(name: string, args: HostStateArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      hostStateProvider,
      name,
      {
        facts: undefined,
        ...args,
        repair: pulumi.output(args.repair).apply(packed),
        providerVersion: PROVIDER_VERSION,
      },
      pulumi.mergeOptions(opts, {
        additionalSecretOutputs: ["connection", "repair"],
        // The text's changes are shown at the step.
        hideDiffs: ["__provider", "repair"],
      }),
      "homelab",
      "HostState",
    );
  }
}
