import type { Machine } from "../config/homelab";
import { ConfigError } from "../config/issues";
import { parseHomelab } from "../config/parse";
import type { StackLines } from "./stack-lines";

/**
 * What the configuration's checks would say without a machine; empty if it may simply be taken out.
 *
 * @param config values of the stack by key, as readStackFile gives them.
 */
export function issuesWithout(config: Readonly<Record<string, unknown>>, name: string): string[] {
  const machines = { ...(config.machines as Record<string, unknown>) };
  delete machines[name];
  try {
    parseHomelab({ ...config, machines });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    return error.issues.map(({ path, found, allowed, fix }) => `${path}: ${found}; allowed: ${allowed}; ${fix}`);
  }
}

/** What is left to do by hand once a node is out of the cluster. */
export function removalEpilogue(
  machine: Machine,
  stackFile: string,
  lines: StackLines | undefined,
  issues: readonly string[],
): string[] {
  const { name } = machine;
  const section = lines
    ? `lines ${lines.section.from} to ${lines.section.to} of ${stackFile}`
    : `its lines of ${stackFile}`;
  return [
    `To finish: take out machines.${name}, ${section}, and run pulumi up: what lists every node is then changed.`,
    ...(lines?.mentions ?? []).map(({ line, text }) => `  line ${line} speaks of it, too: ${text}`),
    ...(issues.length === 0
      ? []
      : ["Without it, these have to change in the same go:", ...issues.map((one) => `  ${one}`)]),
    `Until then pulumi up changes nothing on ${name}, and pulumi refresh would report it as drift.`,
  ];
}

/** What is left to do for another machine to take a dead one's name. */
export function replacementEpilogue(machine: Machine, stackFile: string, lines: StackLines | undefined): string[] {
  const { name } = machine;
  const section = lines ? ` (lines ${lines.section.from} to ${lines.section.to} of ${stackFile})` : "";
  return [
    `Another machine may take the name now. In machines.${name}${section} set, from the new machine:`,
    "  ssh.hostKey      cat /etc/ssh/ssh_host_ed25519_key.pub",
    "  identity.value   sudo dmidecode -s system-serial-number, or what identity.kind says",
    "  disks.*.id       ls -l /dev/disk/by-id/",
    "Then pulumi up. Every step runs on it, and Longhorn is told its disks. If no other machine comes, take the lines out instead.",
  ];
}
