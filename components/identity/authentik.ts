import { createHash } from "node:crypto";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { HostStep } from "../../nodes/host-step";
import { pinnedChart } from "../chart";
import { namespace } from "../namespace";
import { httpsRoute } from "../network/route";
import { secretHash } from "../secret-hash";
import { oidcClients, type GeneratedSecrets } from "../secrets";
import type { ServiceArgs } from "../service";
import { AUTHENTIK_PORT, authentikEnvironment, authentikNames, authentikValues } from "./authentik-values";
import { blueprint, blueprintYaml, proxiedApps } from "./blueprint";
import { oidcEndpoints } from "./oidc";
import { OrderedComponent } from "../ordered-component";

export interface AuthentikArgs extends ServiceArgs {
  secrets: GeneratedSecrets;
}

/**
 * The one login of the house: Authentik with its PostgreSQL, behind the gateway, configured by a blueprint.
 * Whatever logs in through it waits for `ready`: then every client's provider answers at its public name.
 */
export class Authentik extends OrderedComponent {
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: AuthentikArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:identity:Authentik", name, opts);
    const { homelab, secrets } = args;
    const child: pulumi.CustomResourceOptions = { parent: this };
    // Retained with the claim in it: deleting a namespace deletes every claim inside, whatever protects those.
    const space = namespace(
      authentikNames.namespace,
      { homelab, gatewayAccess: true },
      { ...child, retainOnDelete: true },
    );
    const inSpace = (object: string) => ({ name: object, namespace: space.name });

    const config = new core.Secret(
      `${name}-config`,
      {
        metadata: inSpace(authentikNames.config),
        stringData: {
          ...authentikEnvironment(homelab),
          AUTHENTIK_SECRET_KEY: secrets.authentikSecretKey,
          AUTHENTIK_POSTGRESQL__PASSWORD: secrets.authentikDatabasePassword,
        },
      },
      child,
    );
    const bootstrap = new core.Secret(
      `${name}-bootstrap`,
      {
        metadata: inSpace(authentikNames.bootstrap),
        stringData: {
          AUTHENTIK_BOOTSTRAP_PASSWORD: secrets.authentikBootstrapPassword,
          AUTHENTIK_BOOTSTRAP_TOKEN: secrets.authentikBootstrapToken,
          AUTHENTIK_BOOTSTRAP_EMAIL: homelab.identity.admin.email,
        },
      },
      child,
    );
    const database = new core.Secret(
      `${name}-database`,
      { metadata: inSpace(authentikNames.database), stringData: { password: secrets.authentikDatabasePassword } },
      child,
    );
    const claim = new core.PersistentVolumeClaim(
      `${name}-database-claim`,
      {
        metadata: inSpace(authentikNames.databaseClaim),
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: homelab.storage.tiers[homelab.storage.defaultTier].storageClass,
          resources: { requests: { storage: homelab.identity.databaseSize } },
        },
      },
      { ...child, retainOnDelete: true },
    );

    const yaml = pulumi.secret(
      pulumi.output(secrets.oidcClientSecrets).apply((clients) => blueprintYaml(blueprint(homelab, clients))),
    );
    const blueprintSecret = new core.Secret(
      `${name}-blueprint`,
      { metadata: inSpace(authentikNames.blueprint), stringData: { [authentikNames.blueprintKey]: yaml } },
      child,
    );

    const chart = pinnedChart(
      authentikNames.release,
      {
        homelab,
        chart: "authentik",
        namespace: space.name,
        values: authentikValues({
          config: secretHash(
            JSON.stringify(authentikEnvironment(homelab)),
            secrets.authentikSecretKey,
            secrets.authentikDatabasePassword,
          ),
          blueprint: secretHash(yaml),
        }),
      },
      { parent: this, dependsOn: [config, bootstrap, database, claim, blueprintSecret] },
    );
    const route = httpsRoute(
      `${name}-route`,
      {
        service: "authentik",
        host: homelab.hosts.authentik,
        namespace: space.name,
        backend: { name: authentikNames.service, port: AUTHENTIK_PORT },
      },
      // The backend's Service is the chart's, and a route to nothing is refused.
      { ...child, dependsOn: [chart] },
    );

    const endpoints = oidcClients(homelab).map((client) => oidcEndpoints(homelab, client));
    const discovery = new HostStep(
      `${name}-discovery`,
      {
        host: args.controlPlane,
        script: {
          name: `${name}-discovery`,
          source: "gates/authentik.sh",
          variables: {
            NAMESPACE: authentikNames.namespace,
            WORKER: `${authentikNames.release}-worker`,
            BLUEPRINT: `mounted/secret-${authentikNames.blueprint}/${authentikNames.blueprintKey}`,
            HOST: homelab.hosts.authentik,
            GATEWAY_IP: homelab.network.gateway.ip,
            TRUST_ANY_CERTIFICATE: homelab.network.certificates.issuer === "staging",
            ISSUERS: endpoints.map(({ issuer }) => issuer),
            DISCOVERIES: endpoints.map(({ discovery: url }) => url),
            AUTHORIZATION: endpoints[0].authorization,
            TOKEN: endpoints[0].token,
          },
          // Migrations of an empty database alone take minutes.
          timeoutSeconds: 1500,
          secrets: ["BLUEPRINT_SHA256"],
        },
        // Also what makes the step run again after a change of the blueprint.
        secrets: { BLUEPRINT_SHA256: yaml.apply((text) => createHash("sha256").update(text).digest("hex")) },
      },
      { parent: this, dependsOn: [chart, route] },
    );

    // Once the outpost has its providers. Before that the host would show Authentik's own pages, never the app.
    for (const app of proxiedApps(homelab)) {
      httpsRoute(
        `${name}-route-${app.name}`,
        {
          service: app.name,
          host: homelab.routes[app.name],
          namespace: space.name,
          backend: { name: authentikNames.service, port: AUTHENTIK_PORT },
        },
        { ...child, dependsOn: [discovery] },
      );
    }
    this.ready = [discovery];
    this.registerOutputs();
  }
}
