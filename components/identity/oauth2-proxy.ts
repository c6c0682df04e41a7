import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import { httpsRoute } from "../network/route";
import { secretHash } from "../secret-hash";
import type { GeneratedSecrets, ProxiedService } from "../secrets";
import type { ServiceArgs } from "../service";
import { oidcClientId } from "./oidc";
import { PROXY_PORT, proxyName, proxyPolicy, proxyValues } from "./oauth2-proxy-values";
import { OrderedComponent } from "../ordered-component";

export interface OAuth2ProxyArgs extends ServiceArgs {
  secrets: GeneratedSecrets;
  service: ProxiedService;
  /** Namespace of the service; the proxy runs beside it. Routes of it may attach to the gateway. */
  namespace: pulumi.Input<string>;
  /** URL of the service inside the cluster, without a path, for example http://longhorn-frontend.longhorn-system. */
  upstream: string;
}

/**
 * The login in front of one service that has none of its own. The service's host is routed to the proxy and to nothing
 * else, so there is no way around it.
 */
export class OAuth2Proxy extends OrderedComponent {
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: OAuth2ProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:identity:OAuth2Proxy", name, opts);
    const { homelab, secrets, service } = args;
    const proxy = proxyName(service);
    const child: pulumi.CustomResourceOptions = { parent: this };
    const clientSecret = secrets.oidcClientSecrets[service];
    const cookieSecret = secrets.cookieSecrets[service];

    const secret = new core.Secret(
      `${name}-secret`,
      {
        metadata: { name: proxy, namespace: args.namespace },
        stringData: {
          "client-id": oidcClientId(service),
          "client-secret": clientSecret,
          "cookie-secret": cookieSecret,
        },
      },
      child,
    );
    const policy = new CustomResource(
      `${name}-policy`,
      {
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: { name: proxy, namespace: args.namespace },
        spec: proxyPolicy(homelab, service),
      },
      child,
    );
    const chart = pinnedChart(
      proxy,
      {
        homelab,
        chart: "oauth2Proxy",
        namespace: args.namespace,
        values: proxyValues(homelab, service, {
          upstream: args.upstream,
          secret: proxy,
          secretHash: secretHash(clientSecret, cookieSecret),
        }),
      },
      { parent: this, dependsOn: [secret, policy] },
    );
    const route = httpsRoute(
      `${name}-route`,
      { service, host: homelab.hosts[service], namespace: args.namespace, backend: { name: proxy, port: PROXY_PORT } },
      { ...child, dependsOn: [chart] },
    );
    this.ready = [chart, route];
    this.registerOutputs();
  }
}
