import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "./host";

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

interface Props extends Omit<HostStateArgs, "connection" | "repair"> {
  connection: { host: string; port?: number; user?: string; hostKey: string; privateKey?: string };
  repair: string;
  providerVersion: number;
  facts?: Record<string, string>;
}

/**
 * Raise it whenever the provider's code below changes: the code is stored in the state, and the engine runs the stored
 * code until an input differs (pulumi/pulumi#6490).
 */
const PROVIDER_VERSION = 1;

/** Facts that are not as expected, each as `name: found, expected`. */
function differences(expected: Facts, facts: Record<string, string> | undefined): string[] {
  return Object.keys(expected)
    .filter((name) => expected[name] !== facts?.[name])
    .map((name) => `${name}: is '${facts?.[name] ?? "unknown"}', should be '${expected[name]}'`);
}

/** Runs bash text as root on the machine and returns what it prints; the text is never part of the command line. */
async function runOverSsh(props: Props, text: string, seconds: number): Promise<string> {
  // Required inside, because this code is serialized into the state and a module captured by value would not be.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { Client } = require("ssh2") as typeof import("ssh2");
  const { host, port = 22, user = "root", hostKey, privateKey } = props.connection;
  const wanted = hostKey.split(" ")[1];
  const command = `${user === "root" ? "" : "sudo -n "}timeout -k 10 ${seconds} bash`;
  return new Promise<string>((resolve, reject) => {
    const client = new Client();
    let offered = "";
    const unreachable = (reason: string) => {
      client.end();
      reject(
        new Error(
          `${props.machine} (${host}:${port}) cannot be asked: ${reason}. This is no drift: its state is unknown.`,
        ),
      );
    };
    client.on("error", (error) =>
      unreachable(
        offered !== "" && offered !== wanted ? "it shows another host key than the pinned one" : error.message,
      ),
    );
    client.on("ready", () => {
      client.exec(command, (error, channel) => {
        if (error) {
          unreachable(error.message);
          return;
        }
        let stdout = "";
        let stderr = "";
        channel.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
        channel.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
        channel.on("close", (code: number | null) => {
          client.end();
          if (code === 0) {
            resolve(stdout);
          } else {
            reject(new Error(`${props.machine}: exit status ${code ?? "none"}: ${stderr.trim() || stdout.trim()}`));
          }
        });
        channel.end(text);
      });
    });
    client.connect({
      host,
      port,
      username: user,
      privateKey,
      agent: privateKey === undefined ? process.env.SSH_AUTH_SOCK : undefined,
      readyTimeout: 15_000,
      keepaliveInterval: 10_000,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        offered = key.toString("base64");
        return offered === wanted;
      },
    });
  });
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
    await runOverSsh(props, props.repair, 3600);
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
    const inputs: (keyof Props)[] = ["machine", "connection", "probe", "expected", "repair", "providerVersion"];
    const edited = inputs.some((name) => JSON.stringify(olds[name]) !== JSON.stringify(news[name]));
    return Promise.resolve({ changes: drifted || edited });
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
      { facts: undefined, ...args, providerVersion: PROVIDER_VERSION },
      pulumi.mergeOptions(opts, {
        additionalSecretOutputs: ["connection", "repair"],
        hideDiffs: ["__provider"],
      }),
      "homelab",
      "HostState",
    );
  }
}
