import { nearest } from "../config/nearest";
import { UsageError, wordsOf } from "../plan/usage-error";
import { layers, type Layer } from "./finding";
import { VARIABLES } from "./variables";

const DEFAULT_SECONDS = 9;

export const USAGE = `usage: npm run doctor -- [--stack NAME] [--host NAME]... [--layer NAME]... [--json] [--timeout SECONDS]

Looks at the whole house from the bottom up and changes nothing: link, address, port, SSH, identity, system, clock,
disks, hypervisor, exports, router, DNS, Backblaze, K3s, cluster. Each finding says why it matters and what to type next.

  --stack NAME       stack whose Pulumi.<NAME>.yaml describes the house; default home
  --host NAME        only this machine, without what belongs to the house as a whole; may be repeated
  --layer NAME       report only this layer, and what keeps it from being checked; may be repeated:
                     ${layers.slice(0, 9).join(", ")},
                     ${layers.slice(9).join(", ")}
  --json             the report as JSON
  --timeout SECONDS  for the whole run, 2 to 600; default ${DEFAULT_SECONDS}. What has not answered by then is unknown

Exit status: 0 all in order; 1 warnings, or something could not be found out; 2 errors; 3 a mistake in these words or in
the configuration; 70 a fault of this program, printed with its stack.

Needs only Node. Values that are encrypted in the stack file, and the VM's host key, come from the Pulumi CLI if it is on
PATH and logged in, or from the environment:
  ${VARIABLES.b2KeyId}, ${VARIABLES.b2Key}   the key for Backblaze
  ${VARIABLES.sshKey}       file of a private key; default the configuration's, then the SSH agent
  ${VARIABLES.vmHostKey}   what 'pulumi stack output controlPlaneHostKey' prints
  KUBECONFIG            a file for this cluster, if neither control plane nor state gives one`;

/** What is asked for. */
export interface Options {
  stack: string;
  hosts: string[];
  layers: Layer[];
  json: boolean;
  seconds: number;
}

/**
 * @returns undefined if only help is asked for.
 * @throws UsageError for a mistake in the words.
 */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = wordsOf({
    args: [...args],
    options: {
      stack: { type: "string", default: "home" },
      host: { type: "string", multiple: true, default: [] },
      layer: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      timeout: { type: "string", default: String(DEFAULT_SECONDS) },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    return undefined;
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(values.stack)) {
    throw new UsageError(`--stack: '${values.stack}' is not the name of a stack`);
  }
  const seconds = Number(values.timeout);
  if (!(seconds >= 2 && seconds <= 600)) {
    throw new UsageError(`--timeout: '${values.timeout}' is not a number of seconds from 2 to 600`);
  }
  return {
    stack: values.stack,
    hosts: values.host,
    layers: values.layer.map((name) => oneOf("--layer", name, layers)),
    json: values.json,
    seconds,
  };
}

/** @throws UsageError with what is allowed, and the nearest of it. */
export function oneOf<T extends string>(option: string, name: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === name);
  if (found === undefined) {
    const guess = nearest(name, allowed);
    throw new UsageError(
      `${option}: there is no '${name}'${guess === undefined ? "" : `, did you mean '${guess}'?`} Allowed: ${allowed.join(", ")}`,
    );
  }
  return found;
}
