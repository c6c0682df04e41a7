import * as path from "node:path";
import { parseArgs } from "node:util";
import { ConfigError } from "../config/issues";
import { nearest } from "../config/nearest";
import { parseHomelab } from "../config/parse";
import { readStackFile } from "../config/stack-file";
import { evaluate } from "./check";
import { allChecks } from "./checks";
import { examine, type Examination } from "./examine";
import { layers, type Finding, type Layer } from "./finding";
import { ROOT, VARIABLES } from "./knowledge";
import { reportOf, textOf, type Report } from "./report";

const DEFAULT_SECONDS = 9;

const USAGE = `usage: npm run doctor -- [--stack NAME] [--host NAME]... [--layer NAME]... [--json] [--timeout SECONDS]

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
the configuration.

Needs only Node. Values that are encrypted in the stack file, and the VM's host key, come from the Pulumi CLI if it is on
PATH and logged in, or from the environment:
  ${VARIABLES.b2KeyId}, ${VARIABLES.b2Key}   the key for Backblaze
  ${VARIABLES.sshKey}       file of a private key; default the configuration's, then the SSH agent
  ${VARIABLES.vmHostKey}   what 'pulumi stack output controlPlaneHostKey' prints
  KUBECONFIG            a file for this cluster, if neither control plane nor state gives one`;

interface Options {
  stack: string;
  hosts: string[];
  layers: Layer[];
  json: boolean;
  seconds: number;
}

/** A mistake in the words of the command line. */
class UsageError extends Error {}

/** Entry point of `npm run doctor`; ends the process. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    if (!options) {
      return end(USAGE, 0);
    }
    const report = await diagnose(options);
    end(options.json ? JSON.stringify(report, null, 2) : textOf(report), report.exitStatus);
  } catch (error) {
    const known = error instanceof UsageError || error instanceof ConfigError;
    const text = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
    end(error instanceof UsageError ? `${text}\n\n${USAGE}` : text, known ? 3 : 70, process.stderr);
  }
}

/** Probes that missed their deadline may still hold sockets, so the process is ended once all is written. */
function end(text: string, status: number, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(`${text}\n`, () => process.exit(status));
}

export function parseOptions(args: readonly string[]): Options | undefined {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        stack: { type: "string", default: "home" },
        host: { type: "string", multiple: true, default: [] },
        layer: { type: "string", multiple: true, default: [] },
        json: { type: "boolean", default: false },
        timeout: { type: "string", default: String(DEFAULT_SECONDS) },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
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

function oneOf<T extends string>(option: string, name: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === name);
  if (found === undefined) {
    const guess = nearest(name, allowed);
    throw new UsageError(
      `${option}: there is no '${name}'${guess === undefined ? "" : `, did you mean '${guess}'?`} Allowed: ${allowed.join(", ")}`,
    );
  }
  return found;
}

async function diagnose({ stack, hosts, layers: chosen, seconds }: Options): Promise<Report> {
  const homelab = parseHomelab(readStackFile(path.join(ROOT, `Pulumi.${stack}.yaml`)));
  const names = [...homelab.hypervisors, ...homelab.nodes].map(({ name }) => name);
  const only = hosts.map((name) => oneOf("--host", name, names));
  return report({ stack, homelab, only, timeout: seconds * 1000, env: process.env }, chosen);
}

/** Examines and judges. */
export async function report(examination: Examination, chosen: readonly Layer[] = []): Promise<Report> {
  const began = performance.now();
  const { house, facts } = await examine(examination);
  const findings = selected(evaluate(allChecks, { house, facts }), chosen);
  return reportOf(
    house.stack,
    house.targets.map(({ name }) => name),
    findings,
    performance.now() - began,
  );
}

/** The findings of these layers, and the faults that keep them from being checked. */
function selected(findings: readonly Finding[], chosen: readonly Layer[]): readonly Finding[] {
  if (chosen.length === 0) {
    return findings;
  }
  const own = findings.filter(({ layer }) => chosen.includes(layer));
  const roots = new Set(own.map(({ because }) => because));
  return findings.filter(
    (finding) =>
      own.includes(finding) ||
      (finding.checked &&
        finding.severity !== "ok" &&
        roots.has(finding.host === null ? finding.check : `${finding.check} ${finding.host}`)),
  );
}
