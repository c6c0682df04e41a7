import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import { connect, type SshError, type SshTarget } from "./ssh";

interface Props extends SshTarget {
  /** As `Host.incarnation`. */
  incarnation: string;
  /** As `Host.otherKey`. */
  otherKey: string;
  providerVersion: number;
}

/** As that of HostState: raise it whenever the code below, or that in ssh.ts, changes. */
export const PROVIDER_VERSION = 1;

/** How long a machine is waited for, in seconds. */
export interface Patience {
  /** One that does not answer: servers take this long to boot, with their memory tests and controllers. */
  silent: number;
  /** One that shows the pinned host key and refuses the login: some do while they boot, for a wrong key it is for good. */
  noLogin: number;
}
const PATIENCE: Patience = { silent: 600, noLogin: 60 };
const DIAL_SECONDS = 20;
const LONGEST_PAUSE_SECONDS = 5;

/**
 * Exported for tests.
 *
 * @throws Error with the machine, the reason, and what to do about it.
 */
export async function logIn(props: Omit<Props, "incarnation" | "providerVersion">, patience = PATIENCE): Promise<void> {
  const { host, port = 22, user = "root" } = props.connection;
  const where = `${props.machine} (${host}:${port})`;
  const began = Date.now();
  let refusedSince: number | undefined;
  for (let dials = 1; ; dials++) {
    try {
      const client = await connect(props, { seconds: DIAL_SECONDS });
      client.end();
      return;
    } catch (error) {
      const { refusal, message } = error as SshError;
      if (refusal === undefined) {
        throw new Error(
          `${where} cannot be dialled: ${message}. Is secrets.sshPrivateKey a key without a passphrase?`,
          {
            cause: error,
          },
        );
      }
      if (refusal === "other-key") {
        throw new Error(`${where} is refused, nothing has been run on it: ${message}. ${props.otherKey}`, {
          cause: error,
        });
      }
      if (refusal === "no-login") {
        refusedSince ??= Date.now();
        if (Date.now() - refusedSince >= patience.noLogin * 1000) {
          throw new Error(
            `${where} shows the pinned host key and does not let ${user} in: ${message}. Is the key in ` +
              `secrets.sshPrivateKey, or one in the agent of SSH_AUTH_SOCK, among ${user}'s authorized_keys there?`,
            { cause: error },
          );
        }
      } else if (Date.now() - began >= patience.silent * 1000) {
        throw new Error(
          `${where} has let nobody in for ${patience.silent} seconds: ${message}. Is it on, and what does npm run doctor say?`,
          { cause: error },
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(dials, LONGEST_PAUSE_SECONDS) * 1000));
  }
}

/** Exported for tests; the program uses it through HostLogin alone. */
export const hostLoginProvider: pulumi.dynamic.ResourceProvider<Props, Props> = {
  async create(inputs: Props) {
    await logIn(inputs);
    return { id: inputs.machine, outs: inputs };
  },

  diff(_id: string, olds: Props, news: Props) {
    const inputs: (keyof Props)[] = ["machine", "connection", "incarnation", "otherKey", "providerVersion"];
    return Promise.resolve({
      changes: inputs.some((name) => JSON.stringify(olds[name]) !== JSON.stringify(news[name])),
    });
  },

  async update(_id: string, _olds: Props, news: Props) {
    await logIn(news);
    return { outs: news };
  },
};

/**
 * The first login on a machine, which all its steps wait for: one that boots is waited for, up to ten minutes, and one
 * that shows another host key is refused by the first dial. The command provider cannot tell the two apart: it dials the wrong
 * machine for as long as it waits for a booting one (pulumi-command provider/pkg/provider/remote/connection.go).
 *
 * It logs in again when the connection or the machine's incarnation changes. What has changed on the machine meanwhile is
 * not its business but that of a refresh, which asks every HostState first. Deleting it does nothing to the machine.
 */
export class HostLogin extends pulumi.dynamic.Resource {
  public constructor(name: string, host: Host, opts?: pulumi.CustomResourceOptions) {
    const { name: machine, connection, incarnation, otherKey } = host;
    super(
      hostLoginProvider,
      name,
      { machine, connection, incarnation, otherKey, providerVersion: PROVIDER_VERSION },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["connection"], hideDiffs: ["__provider"] }),
      "homelab",
      "HostLogin",
    );
  }
}
