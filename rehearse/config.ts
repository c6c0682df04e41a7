import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import type { Homelab } from "../config/homelab";
import { parseHomelab } from "../config/parse";
import { merged } from "../config/plain";
import { hostKey, userKey, type RehearsalIdentity } from "./identity";

export const STACK = "rehearsal";
export const STACK_FILE = path.join(__dirname, "..", `Pulumi.${STACK}.yaml`);

/** Values of a stack by key, without the namespace. */
export type StackConfig = Record<string, unknown>;

/** Digests of what the mirror holds, 64 hexadecimal digits each. */
export interface Digests {
  k3s: string;
  cloudImage: string;
  gatewayApi: string;
  prometheusOperatorCrds: string;
}

/** What only a rehearsal under way knows. */
export interface Generated {
  identity: RehearsalIdentity;
  digests: Digests;
  /** Folder of the mirror, with its lock. */
  mirrorFolder: string;
  /** How the VM runs. */
  domainType: "kvm" | "qemu";
  /** What a named mirror changes of the stack file. Default: nothing. */
  changes?: StackConfig;
}

/** The stack file as it stands, placeholders and all, but for what a named mirror changes. */
export function stackFileConfig(changes: StackConfig = {}): StackConfig {
  const { config } = parse(fs.readFileSync(STACK_FILE, "utf8")) as { config: StackConfig };
  const own = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(/^homelab:/, ""), value]));
  return merged(own, changes);
}

/** The homelab of the stack file, before anything is generated. */
export function plannedHomelab(changes?: StackConfig): Homelab {
  return parseHomelab(stackFileConfig(changes));
}

/** The whole configuration of a rehearsal: the stack file with every placeholder replaced. */
export function rehearsalConfig({ identity, digests, mirrorFolder, domainType, changes }: Generated): StackConfig {
  const machines = Object.fromEntries(
    Object.keys(identity.machines).map((name) => [
      name,
      { ssh: { hostKey: hostKey(identity, name).publicKey }, identity: machineIdentity(identity, name) },
    ]),
  );
  const { publicKey, privateKey } = userKey(identity);
  const topics = Object.keys(plannedHomelab().monitoring.receivers);
  return merged(stackFileConfig(changes), {
    machines: merged(machines, { r730: { libvirt: { domainType } } }),
    authorizedKeys: [publicKey],
    versions: {
      k3s: { sha256: digests.k3s },
      cloudImage: { sha256: digests.cloudImage },
      gatewayApi: { sha256: digests.gatewayApi },
      prometheusOperatorCrds: { sha256: digests.prometheusOperatorCrds },
      mirror: { folder: mirrorFolder, lockFolder: mirrorFolder },
    },
    secrets: {
      sshPrivateKey: privateKey,
      b2ApplicationKeyId: identity.secret,
      b2ApplicationKey: identity.secret,
      alerts: Object.fromEntries(topics.map((name) => [name, identity.secret])),
    },
  });
}

function machineIdentity(identity: RehearsalIdentity, name: string): { value: string } {
  const { hypervisors } = plannedHomelab();
  const { machineId, serial } = identity.machines[name];
  return { value: hypervisors.some((machine) => machine.name === name) ? machineId : serial };
}
