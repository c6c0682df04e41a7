import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { parseHomelab } from "../config/parse";
import { readStackFile } from "../config/stack-file";
import { UserError } from "../plan/user-error";
import { Cluster } from "./actors/cluster";
import { kubeconfigText, sshLogin } from "./actors/credentials";
import { lookAtHost, tearDown } from "./actors/host";
import { issuesWithout, removalEpilogue, replacementEpilogue } from "./aftermath";
import { drainNode, forget, remove, uncordonNode, type Go, type Site } from "./operations";
import { nodeOf, requireSameCluster, workerOf, type Command, type FateOfVolumes } from "./preflight";
import { stackLines } from "./stack-lines";

const USAGE = `usage: npm run node -- remove NODE    take a living node out of the cluster for good
       npm run node -- forget NODE    take out one whose machine is dead, so that another can have its name
       npm run node -- drain NODE     empty it for a while, for example before a reboot
       npm run node -- uncordon NODE  take pods on it again; also ends a removal that has not deleted it yet

  --stack NAME               stack whose Pulumi.<NAME>.yaml describes the house; default home
  --dry-run                  print the plan and everything that stands in the way, and change nothing
  --yes-remove NODE          needed to remove: the node's name once more
  --yes-forget NODE          needed to forget
  --keep-volumes             forget: volumes whose only copy was there stay known; their disks go into the new machine
  --give-up-volumes          forget: they are lost; their last replicas are deleted
  --timeout MINUTES          for pods to end; default 10
  --longhorn-timeout HOURS   for Longhorn to build replicas elsewhere; default 12
  --kubeconfig FILE          instead of the stack's output kubeconfig, which needs the Pulumi CLI
  --identity-file FILE       private SSH key, instead of the stack's own or the agent's

Each can be run again at any time: what is done is found done.
Exit status: 0 done; 1 refused, failed, or not confirmed; 2 a mistake in these words.`;

const commands: readonly Command[] = ["remove", "forget", "drain", "uncordon"];

interface Options extends Go {
  command: Command;
  node: string;
  stack: string;
  fate: FateOfVolumes;
  limits: Site["limits"];
  kubeconfig?: string;
  identityFile?: string;
}

/** Entry point of `npm run node`; sets the exit status. */
export function main(args: readonly string[]): void {
  const options = parseOptions(args);
  if (!options) {
    return;
  }
  process.once("SIGINT", () => {
    console.error(
      `\nInterrupted. Run the same command again: it goes on where it stopped. To keep the node: npm run node -- uncordon ${options.node}`,
    );
    process.exit(130);
  });
  run(options).then((done) => (process.exitCode = done ? 0 : 1), fail);
}

function parseOptions(args: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        stack: { type: "string", default: "home" },
        "dry-run": { type: "boolean", default: false },
        "yes-remove": { type: "string" },
        "yes-forget": { type: "string" },
        "keep-volumes": { type: "boolean", default: false },
        "give-up-volumes": { type: "boolean", default: false },
        timeout: { type: "string", default: "10" },
        "longhorn-timeout": { type: "string", default: "12" },
        kubeconfig: { type: "string" },
        "identity-file": { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return undefined;
    }
    const [command, node, ...rest] = positionals;
    if (!isCommand(command)) {
      throw new Error(command === undefined ? "which command?" : `'${command}' is no command`);
    }
    if (node === undefined || rest.length > 0) {
      throw new Error(
        node === undefined ? `${command} which node?` : `one node at a time; '${rest[0]}' is one too many`,
      );
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(values.stack)) {
      throw new Error(`--stack: '${values.stack}' is not the name of a stack`);
    }
    for (const other of ["remove", "forget"] as const) {
      if (values[`yes-${other}`] !== undefined && command !== other) {
        throw new Error(`--yes-${other} does not go with ${command}`);
      }
    }
    if ((values["keep-volumes"] || values["give-up-volumes"]) && command !== "forget") {
      throw new Error("--keep-volumes and --give-up-volumes go with forget only");
    }
    if (values["keep-volumes"] && values["give-up-volumes"]) {
      throw new Error("--keep-volumes and --give-up-volumes exclude each other");
    }
    return {
      command,
      node,
      stack: values.stack,
      dryRun: values["dry-run"],
      confirmed: values["yes-remove"] ?? values["yes-forget"],
      fate: values["keep-volumes"] ? "keep" : values["give-up-volumes"] ? "give-up" : "undecided",
      limits: {
        drain: 60 * number("--timeout", values.timeout),
        replicas: 3600 * number("--longhorn-timeout", values["longhorn-timeout"]),
      },
      kubeconfig: values.kubeconfig,
      identityFile: values["identity-file"],
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

function isCommand(word: string | undefined): word is Command {
  return commands.some((command) => command === word);
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || !(value > 0)) {
    throw new Error(`${option}: '${text}' is not a number above 0`);
  }
  return value;
}

/** @returns whether the command was carried out. */
async function run(options: Options): Promise<boolean> {
  const { command, node, stack } = options;
  const stackFile = `Pulumi.${stack}.yaml`;
  // npm runs it in the folder of the project, where the CLI, too, looks for the stack.
  const file = path.resolve(stackFile);
  const config = readStackFile(file);
  const homelab = parseHomelab(config);
  // Everything that can be refused without the cluster is refused before it is asked.
  const machine = nodeOf(homelab, node, command, stackFile);
  const going = command === "remove" || command === "forget";
  const worker = going ? workerOf(homelab, node, command, stackFile) : undefined;

  const login = going ? await sshLogin(stack, options.identityFile, homelab.secrets.sshPrivateKey) : {};
  const cluster = Cluster.of(await kubeconfigText(stack, options.kubeconfig, homelab.controlPlane));
  requireSameCluster(homelab, node, await cluster.facts(node));
  const site: Site = {
    cluster,
    limits: options.limits,
    say: (line) => console.log(line),
    lookAtHost: (one) => lookAtHost(one, login),
    tearDown: (one) => tearDown(one, login),
  };
  const lines = () => stackLines(fs.readFileSync(file, "utf8"), machine);

  if (command === "uncordon") {
    if (options.dryRun) {
      console.log(`It would take pods on ${node} again. Nothing was done.`);
      return true;
    }
    await uncordonNode(site, machine);
    return true;
  }
  if (command === "drain") {
    const done = await drainNode(site, machine, options);
    if (done) {
      console.log(`${node} is empty. When it is back: npm run node -- uncordon ${node} --stack ${stack}`);
    }
    return done || options.dryRun;
  }
  if (!worker) {
    throw new Error(`${command} without a worker`);
  }
  const done =
    command === "remove" ? await remove(site, worker, options) : await forget(site, worker, options, options.fate);
  if (done) {
    console.log(`${node} is out of the cluster.`);
  }
  const epilogue =
    command === "remove"
      ? removalEpilogue(worker, stackFile, lines(), issuesWithout(config, node))
      : replacementEpilogue(worker, stackFile, lines());
  console.log(`\n${epilogue.join("\n")}`);
  return done || options.dryRun;
}

/** The user's own mistakes are said without a stack; ours with it. */
function fail(error: unknown): void {
  const expected = error instanceof UserError || (error instanceof Error && error.name === "ConfigError");
  console.error(error instanceof Error && !expected ? (error.stack ?? error.message) : (error as Error).message);
  process.exitCode = expected ? 1 : 70;
}
