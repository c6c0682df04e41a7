import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Homelab } from "../config/homelab";
import { OrderedComponent } from "./ordered-component";

/** Services without a login of their own; OAuth2-Proxy stands in front of each. */
export const proxiedServices = ["prometheus", "alertmanager", "longhorn"] as const;
export type ProxiedService = (typeof proxiedServices)[number];

/** What of the platform logs in through Authentik: the proxied services, and those that speak OIDC themselves. */
export const platformClients = [...proxiedServices, "grafana"] as const;

/** Everything that logs in through Authentik by OpenID Connect: of the platform, and the apps that can. */
export function oidcClients({ apps }: Pick<Homelab, "apps">): string[] {
  return [...platformClients, ...apps.filter(({ access }) => access?.policy === "oidc").map(({ name }) => name)];
}

/** Secrets that apps name, as <app>.<key>, each once. */
export function appSecretNames({ apps }: Pick<Homelab, "apps">): string[] {
  const named = apps.flatMap(({ name, secrets }) =>
    Object.values(secrets).map((key) => (key.includes(".") ? key : `${name}.${key}`)),
  );
  return [...new Set(named)].sort();
}

/** What decides which secrets there are. */
export type SecretsOf = Pick<Homelab, "apps"> & { readonly cluster: Pick<Homelab["cluster"], "rotations"> };

/**
 * Every secret that nobody has to choose. They live in the state, outlast every generation of the cluster and are
 * protected: a restore needs the tokens and keys of the time of the backup.
 *
 * Those of `cluster.rotations` are made anew when their number is raised, and everything that uses them follows in the same
 * run. All others are kept for ever, because what they opened would stay shut: K3s' server token encrypts the datastore's
 * bootstrap data, Velero's password its repositories, Authentik's key its sessions and identifiers; PostgreSQL, Authentik's
 * first administrator and Grafana's read theirs once, and change it in themselves.
 */
export class GeneratedSecrets extends OrderedComponent {
  /** Password of K3s servers; encrypts the bootstrap data, so it may never change silently. */
  public readonly k3sServerToken: pulumi.Output<string>;
  /** Agents join with this one and never hold the server's. */
  public readonly k3sAgentToken: pulumi.Output<string>;
  /** 32 random bytes in base64, the seed of the VM's ed25519 host key. */
  public readonly vmHostKeySeed: pulumi.Output<string>;
  public readonly authentikSecretKey: pulumi.Output<string>;
  public readonly authentikDatabasePassword: pulumi.Output<string>;
  /** First password of akadmin; Authentik reads it once. */
  public readonly authentikBootstrapPassword: pulumi.Output<string>;
  public readonly authentikBootstrapToken: pulumi.Output<string>;
  public readonly grafanaAdminPassword: pulumi.Output<string>;
  /** Encrypts Velero's repositories in B2. Without it no backup can be read. */
  public readonly veleroRepositoryPassword: pulumi.Output<string>;
  /** By client of Authentik. */
  public readonly oidcClientSecrets: Readonly<Record<string, pulumi.Output<string>>>;
  /** By <app>.<key>: 32 hexadecimal digits, the form that Servarr's keys have. */
  public readonly appSecrets: Readonly<Record<string, pulumi.Output<string>>>;
  /** 32 letters and digits, which OAuth2-Proxy decodes to a valid AES key length. */
  public readonly cookieSecrets: Readonly<Record<ProxiedService, pulumi.Output<string>>>;

  public constructor(name: string, homelab: SecretsOf, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:secrets:GeneratedSecrets", name, opts);
    const child: pulumi.CustomResourceOptions = { parent: this, protect: true };
    const password = (key: string, length: number, upper = true) =>
      new random.RandomPassword(`${name}-${key}`, { length, special: false, upper }, child).result;
    // A protected resource cannot be replaced. Unprotecting and replacing in one run is allowed (pulumi v3
    // pkg/resource/deploy/step_generator.go), so the protection goes with the first rotation.
    const rotated = (group: keyof Homelab["cluster"]["rotations"]) => {
      const rotation = homelab.cluster.rotations[group];
      return rotation === 0
        ? { keepers: undefined, options: child }
        : { keepers: { rotation: String(rotation) }, options: { ...child, protect: false } };
    };
    const rotatedPassword = (group: "clients" | "cookies", key: string, length: number) => {
      const { keepers, options } = rotated(group);
      return new random.RandomPassword(`${name}-${key}`, { length, special: false, upper: true, keepers }, options)
        .result;
    };

    // Lower case only: K3s parses values that look like its K10 or bootstrap form differently (k3s pkg/clientaccess).
    this.k3sServerToken = password("k3s-server-token", 48, false);
    this.k3sAgentToken = password("k3s-agent-token", 48, false);
    this.vmHostKeySeed = pulumi.secret(
      new random.RandomBytes(`${name}-vm-host-key-seed`, { length: 32 }, child).base64,
    );
    this.authentikSecretKey = password("authentik-secret-key", 60);
    this.authentikDatabasePassword = password("authentik-database-password", 40);
    this.authentikBootstrapPassword = password("authentik-bootstrap-password", 32);
    this.authentikBootstrapToken = password("authentik-bootstrap-token", 60);
    this.grafanaAdminPassword = password("grafana-admin-password", 32);
    this.veleroRepositoryPassword = password("velero-repository-password", 48);
    this.oidcClientSecrets = record(oidcClients(homelab), (client) => rotatedPassword("clients", `oidc-${client}`, 64));
    const ofApps = rotated("apps");
    this.appSecrets = record(appSecretNames(homelab), (key) =>
      pulumi.secret(
        new random.RandomBytes(
          `${name}-app-${key.replace(".", "-")}`,
          { length: 16, keepers: ofApps.keepers },
          ofApps.options,
        ).hex,
      ),
    );
    this.cookieSecrets = record(proxiedServices, (service) => rotatedPassword("cookies", `cookie-${service}`, 32));
    this.registerOutputs();
  }
}

function record<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>;
}
