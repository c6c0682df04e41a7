import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { fromGateway, fromPrometheus, labelled, named, to, toGateway, type FlowRule } from "../isolation/peers";
import { MONITORING_NAMESPACE } from "../monitoring/names";
import { SECRET_HASH_ANNOTATION } from "../secret-hash";
import type { ProxiedService } from "../secrets";
import { LONGHORN_NAMESPACE } from "../storage/longhorn-nodes";
import { oidcEndpoints, redirectUri } from "./oidc";
import { trustedProxies } from "./trusted-proxies";

/** Port of the Service in front of a proxy. */
export const PROXY_PORT = 80;

/** Ports of the proxy's container (chart 7.7.1 templates/deployment.yaml): traffic and metrics. */
const CONTAINER_PORT = 4180;
const METRICS_PORT = 44180;

/** The pods behind each proxy, in its own namespace, at the ports of the pods. */
const upstreamPods: Readonly<Record<ProxiedService, FlowRule>> = {
  prometheus: to([named("prometheus")], 9090),
  alertmanager: to([named("alertmanager")], 9093),
  longhorn: to([labelled("app", "longhorn-ui")], 8000),
};

/** Name of a service's proxy: the chart's release, hence also its Service. */
export function proxyName(service: ProxiedService): string {
  return `oauth2-proxy-${service}`;
}

/** Where a service's proxy runs: beside the service. */
export function proxyNamespace(service: ProxiedService): string {
  return service === "longhorn" ? LONGHORN_NAMESPACE : MONITORING_NAMESPACE;
}

type TomlValue = string | boolean | readonly string[];

/**
 * The proxy's configuration file without its secrets, which arrive as environment variables.
 * Keys: oauth2-proxy v7.15 pkg/apis/options, tags `cfg`; an unknown one ends the proxy at its start.
 *
 * @param upstream URL of the service inside the cluster, without a path.
 */
export function proxyConfig(homelab: Homelab, service: ProxiedService, upstream: string): Record<string, TomlValue> {
  const endpoints = oidcEndpoints(homelab, service);
  return {
    provider: "oidc",
    provider_display_name: "Authentik",
    // Discovery at start would be fatal while Authentik restarts. The addresses are ours and asserted once, by the gate
    // before; the issuer of every token is still compared.
    skip_oidc_discovery: true,
    oidc_issuer_url: endpoints.issuer,
    login_url: endpoints.authorization,
    redeem_url: endpoints.token,
    oidc_jwks_url: endpoints.jwks,
    profile_url: endpoints.userinfo,
    redirect_url: redirectUri(homelab, service),
    code_challenge_method: "S256",
    insecure_oidc_skip_nonce: false,
    scope: "openid email groups",
    skip_provider_button: true,
    // Nothing in the cluster trusts the certificates of Let's Encrypt's staging environment.
    ssl_insecure_skip_verify: homelab.network.certificates.issuer === "staging",

    // Any address, but only administrators: Authentik asks for the same group, so this is the second lock on the door.
    email_domains: ["*"],
    oidc_groups_claim: "groups",
    allowed_groups: [homelab.identity.groups.admins],

    // Without the list everybody is believed, and a forged header walks past the login (CVE-2026-76835).
    reverse_proxy: true,
    trusted_proxy_ips: trustedProxies(homelab),

    upstreams: [upstream],
    // The services behind have no use for who it is; a token that they do not get they cannot leak.
    pass_basic_auth: false,
    pass_user_headers: false,

    cookie_secure: true,
    cookie_httponly: true,
    cookie_samesite: "lax",
    // Who leaves the group is out within this time; who stays is sent through Authentik without noticing.
    cookie_expire: "12h",
  };
}

/** A flat table in TOML. JSON's strings are TOML's basic strings. */
export function toml(table: Readonly<Record<string, TomlValue>>): string {
  return Object.entries(table)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    .join("\n");
}

/**
 * Values of the oauth2-proxy chart 7.7.1.
 *
 * @param secret name of the Secret with client-id, client-secret and cookie-secret. Without it the chart starts the
 *   proxy with a cookie secret that everybody knows.
 * @param secretHash digest of that Secret: the chart hashes its own unused defaults, so a rotation would not restart it.
 */
export function proxyValues(
  homelab: Homelab,
  service: ProxiedService,
  args: { upstream: string; secret: string; secretHash: unknown },
): HelmValues {
  return {
    config: { existingSecret: args.secret, configFile: toml(proxyConfig(homelab, service, args.upstream)) },
    image: proxyImage(homelab.versions.images.oauth2Proxy),
    // `service.port` is gone from the chart; the check fails the render if it comes back.
    checkDeprecation: true,
    service: { portNumber: PROXY_PORT },
    // The session is the cookie itself: nothing to run, nothing to lose.
    sessionStorage: { type: "cookie" },
    redis: { enabled: false },
    serviceAccount: { automountServiceAccountToken: false },
    podAnnotations: { [SECRET_HASH_ANNOTATION]: args.secretHash },
    metrics: { enabled: true, serviceMonitor: { enabled: true } },
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
  };
}

/**
 * Splits repository:tag@digest as the chart puts it together again: `<repository>:<tag>`, so the digest stays with the tag.
 *
 * @throws Error if there is no tag.
 */
export function proxyImage(image: string): { repository: string; tag: string } {
  const match = /^(?<repository>[^@]+?):(?<tag>[^:/@]+(@sha256:[0-9a-f]{64})?)$/.exec(image);
  if (!match?.groups) {
    throw new Error(`versions.images.oauth2Proxy is ${image}: write repository:tag or repository:tag@sha256:digest`);
  }
  return { repository: match.groups.repository, tag: match.groups.tag };
}

/**
 * Who may talk to a proxy: the gateway, and Prometheus for its metrics. A CiliumNetworkPolicy, because the gateway's
 * traffic has Cilium's own identity `ingress`, which no NetworkPolicy of Kubernetes can name. It talks to its own service
 * and, by the gateway, to Authentik.
 */
export function proxyPolicy(homelab: Homelab, service: ProxiedService): Record<string, unknown> {
  return {
    endpointSelector: {
      matchLabels: { "app.kubernetes.io/name": "oauth2-proxy", "app.kubernetes.io/instance": proxyName(service) },
    },
    ingress: [fromGateway(CONTAINER_PORT), fromPrometheus(METRICS_PORT)],
    egress: [...toGateway(homelab, 443), upstreamPods[service]],
  };
}
