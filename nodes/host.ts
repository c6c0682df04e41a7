import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab, Identity, Machine } from "../config/homelab";
import { machineIncarnation } from "./incarnation";

/** Arguments of an SSH connection with its host key pinned. */
export type Connection = types.input.remote.ConnectionArgs & { hostKey: pulumi.Input<string> };

/** A machine as the steps see it: where it is, how to log in, and the proof that it is the right one. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly user: string;
  readonly identity: Identity;
  readonly connection: Connection;
  /**
   * Names what the steps work on, where that can be made anew at the same address: another machine, a VM, a cluster. When
   * it changes, every step runs again. A step's text alone would not tell: it is the same for the new disk and the empty
   * cluster.
   */
  readonly incarnation: pulumi.Input<string>;
  /** What to do when the machine shows another host key than the pinned one: a sentence. */
  readonly otherKey: string;
}

/** What only the program can know of a machine that it creates itself. */
export interface GeneratedHost {
  identity: Identity;
  hostKey: pulumi.Input<string>;
}

/**
 * Describes how to reach a machine. A dial is retried for about ten minutes, because servers take that long to reboot;
 * for a wrong host key as well, which is why HostLogin comes before the first step.
 * The host key is always pinned: @pulumi/command verifies nothing without one (provider/pkg/provider/remote/connection.go).
 *
 * @param generated identity and host key of a VM of ours; other machines bring theirs in the configuration.
 * @throws Error if neither the configuration nor `generated` gives identity and host key.
 */
export function hostOf(homelab: Homelab, machine: Machine, generated?: GeneratedHost): Host {
  const identity = generated?.identity ?? machine.identity;
  const hostKey = generated?.hostKey ?? machine.ssh.hostKey;
  if (!identity || !hostKey) {
    throw new Error(`${machine.name} has no identity or no host key: a cross-check should have refused this`);
  }
  const { sshPrivateKey } = homelab.secrets;
  return {
    name: machine.name,
    address: machine.address,
    user: machine.ssh.user,
    identity,
    incarnation: machineIncarnation(machine),
    otherKey: generated
      ? `The program has given ${machine.name} its key, so something else answers at this address.`
      : `If ${machine.name} has been installed anew, put its new key into machines.${machine.name}.ssh.hostKey, read at ` +
        `its console from /etc/ssh/ssh_host_ed25519_key.pub; otherwise something else answers at this address.`,
    connection: {
      host: machine.address,
      port: machine.ssh.port,
      user: machine.ssh.user,
      hostKey,
      dialErrorLimit: 120,
      perDialTimeout: 15,
      ...(sshPrivateKey === undefined ? {} : { privateKey: pulumi.secret(sshPrivateKey) }),
    },
  };
}
