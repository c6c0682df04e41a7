import { createHash } from "node:crypto";
import type { Machine } from "../config/homelab";

/**
 * Names the machine that stands behind a name: another text as soon as the configuration says that another machine, or
 * the same one freshly installed, has taken the name. A new installation may keep the identity (a serial number
 * survives it) but has another host key; so both count.
 *
 * A VM's identity is fixed by the program; what makes it anew is the cluster's generation, which is not known here.
 */
export function machineIncarnation(machine: Machine): string {
  const identity = "identity" in machine ? machine.identity : undefined;
  const uuid = machine.role === "control-plane" ? machine.vm?.uuid : undefined;
  const facts = [identity?.kind, identity?.value, machine.ssh.hostKey, uuid].map((fact) => fact ?? "");
  return createHash("sha256").update(facts.join("\n")).digest("hex").slice(0, 12);
}
