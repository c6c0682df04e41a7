import { parseArgs } from "node:util";
import type { Go, Site } from "./operations";
import type { Command, FateOfVolumes } from "./preflight";

export const USAGE = `usage: npm run node -- remove NODE    take a living node out of the cluster for good
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
Exit status: 0 done; 1 refused, failed, or not confirmed; 2 a mistake in these words; 70 a fault
of this program, printed with its stack.`;

const commands: readonly Command[] = ["remove", "forget", "drain", "uncordon"];

/** What the words of a command line say. */
export interface Options extends Go {
  command: Command;
  node: string;
  stack: string;
  fate: FateOfVolumes;
  limits: Site["limits"];
  kubeconfig?: string;
  identityFile?: string;
}

/**
 * @returns undefined if only help was asked for.
 * @throws Error that says which word is wrong.
 */
export function parseOptions(args: readonly string[]): Options | undefined {
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
    return undefined;
  }
  const [command, node, ...rest] = positionals;
  if (!isCommand(command)) {
    throw new Error(command === undefined ? "which command?" : `'${command}' is no command`);
  }
  if (node === undefined || rest.length > 0) {
    throw new Error(node === undefined ? `${command} which node?` : `one node at a time; '${rest[0]}' is one too many`);
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
