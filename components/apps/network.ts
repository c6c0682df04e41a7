import type { App, Homelab } from "../../config/homelab";
import { authentikNames } from "../identity/authentik-values";
import { APP_LABEL, jobName } from "./names";

/** A CiliumNetworkPolicy's name and spec. */
export interface AppPolicy {
  name: string;
  namespace: string;
  spec: Record<string, unknown>;
}

/** Addresses that are no internet: private, shared, link-local and loopback (RFC 6890). */
const NOT_THE_INTERNET = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
];

const NAMESPACE_LABEL = "k8s:io.kubernetes.pod.namespace";

/**
 * Who may talk to an app, and to whom it may, on top of the default deny of its namespace. An app behind the proxy is reached by Authentik's server and by apps that
 * say that they use it, and not by the gateway: there is no way around the login, not even from inside of the cluster.
 */
export function appPolicy(homelab: Homelab, app: App): AppPolicy {
  const users = homelab.apps.filter(({ uses }) => uses.includes(app.name));
  const jobs = jobsOf(app);
  const port = app.port === undefined ? undefined : [{ ports: [{ port: String(app.port), protocol: "TCP" }] }];
  const ingress = port && [
    ...(app.access === undefined
      ? []
      : app.access.policy === "proxy"
        ? [
            {
              fromEndpoints: [
                {
                  matchLabels: {
                    [NAMESPACE_LABEL]: authentikNames.namespace,
                    "k8s:app.kubernetes.io/name": "authentik",
                    "k8s:app.kubernetes.io/component": "server",
                  },
                },
              ],
              toPorts: port,
            },
          ]
        : [{ fromEntities: ["ingress"], toPorts: port }]),
    ...(users.length + jobs.length === 0 ? [] : [{ fromEndpoints: [...users, ...jobs].map(endpoint), toPorts: port }]),
  ];
  const used = homelab.apps.filter(({ name, port: theirs }) => app.uses.includes(name) && theirs !== undefined);
  const egress = [
    ...used.map(toPort),
    ...(app.internet ? [{ toCIDRSet: [{ cidr: "0.0.0.0/0", except: NOT_THE_INTERNET }] }] : []),
    // Its login is asked for at Authentik's public name, which the cluster's DNS answers with the gateway's address.
    ...(app.access?.policy === "oidc"
      ? [
          { toEntities: ["ingress"], toPorts: [{ ports: [{ port: "443", protocol: "TCP" }] }] },
          { toCIDR: [`${homelab.network.gateway.ip}/32`], toPorts: [{ ports: [{ port: "443", protocol: "TCP" }] }] },
        ]
      : []),
  ];
  return {
    name: app.name,
    namespace: app.namespace,
    spec: {
      endpointSelector: { matchLabels: { [APP_LABEL]: app.name } },
      ...(ingress && ingress.length > 0 ? { ingress } : {}),
      ...(egress.length > 0 ? { egress } : {}),
    },
  };
}

/** An app's jobs talk to the app itself, and to nothing else. */
export function jobPolicies(app: App): AppPolicy[] {
  return jobsOf(app).map(({ name, namespace }) => ({
    name,
    namespace,
    spec: {
      endpointSelector: { matchLabels: { [APP_LABEL]: name } },
      ...(app.port === undefined ? {} : { egress: [toPort(app)] }),
    },
  }));
}

function jobsOf(app: App): Pick<App, "name" | "namespace">[] {
  return Object.keys(app.jobs).map((job) => ({ name: jobName(app, job), namespace: app.namespace }));
}

function toPort(app: App) {
  return { toEndpoints: [endpoint(app)], toPorts: [{ ports: [{ port: String(app.port), protocol: "TCP" }] }] };
}

function endpoint({ name, namespace }: Pick<App, "name" | "namespace">): { matchLabels: Record<string, string> } {
  return { matchLabels: { [NAMESPACE_LABEL]: namespace, [`k8s:${APP_LABEL}`]: name } };
}
