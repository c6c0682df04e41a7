import { randomBytes, randomUUID } from "node:crypto";
import { ed25519HostKey, type HostKey } from "../nodes/hypervisor/host-key";

/** What is made anew for a rehearsal, and stays for as long as it is resumed: who its machines are, and its secrets. */
export interface RehearsalIdentity {
  /** Seed of the key that logs in everywhere, 32 bytes in base64. */
  userKeySeed: string;
  /** By machine; a VM's host key is the program's own to make. */
  machines: Readonly<Record<string, { hostKeySeed: string; machineId: string; serial: string; uuid: string }>>;
  /** Stands for what somebody outside would have chosen: keys of B2, topics of alerts. */
  secret: string;
}

export function newIdentity(machines: readonly string[]): RehearsalIdentity {
  const seed = () => randomBytes(32).toString("base64");
  return {
    userKeySeed: seed(),
    machines: Object.fromEntries(
      machines.map((name) => [
        name,
        {
          hostKeySeed: seed(),
          machineId: randomBytes(16).toString("hex"),
          serial: `REHEARSAL${randomBytes(4).toString("hex").toUpperCase()}`,
          uuid: randomUUID(),
        },
      ]),
    ),
    secret: randomBytes(16).toString("hex"),
  };
}

export function userKey({ userKeySeed }: RehearsalIdentity): HostKey {
  return ed25519HostKey(userKeySeed, "rehearsal");
}

export function hostKey({ machines }: RehearsalIdentity, name: string): HostKey {
  return ed25519HostKey(machines[name].hostKeySeed, name);
}
