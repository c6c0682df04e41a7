import type { Homelab } from "../../../config/homelab";
import { authentikNames } from "../../identity/authentik-values";
import { proxyName, proxyNamespace } from "../../identity/oauth2-proxy-values";
import { proxiedServices } from "../../secrets";
import { answered } from "../prober/probes";
import { deployments, missing } from "./absence";
import { oneOf, type AlertGroup } from "./alert";

// Names: chart 2025.12 for server and worker, its PostgreSQL subchart for the database.
const { namespace, release } = authentikNames;
const SERVERS = deployments([
  { namespace, deployment: `${release}-server` },
  { namespace, deployment: `${release}-worker` },
]);
const DATABASE = {
  metric: "kube_statefulset_status_replicas_ready",
  labels: { namespace, statefulset: `${release}-postgresql` },
};

/** The database as one of the deployments, so that one sentence names each part. */
const asDeployment = (expr: string) => `label_replace(${expr}, "deployment", "$1", "statefulset", "(.+)")`;

/** The login of the house, and the proxies that stand in front of what has none. */
export function identityAlerts({ hosts }: Homelab): AlertGroup {
  const proxies = oneOf(proxiedServices.map(proxyName));
  return {
    topic: "identity",
    alerts: [
      {
        name: "AuthentikDown",
        expr:
          `max by (peer) (${answered("login", "L7")}) == 0 ` + `unless on () max(${answered("gateway", "L4")}) == 0`,
        for: "5m",
        severity: "critical",
        labels: { layer: "L7" },
        summary: "Nobody can log in: Authentik does not answer",
        description:
          `The gateway is fine. kubectl -n ${namespace} get pods -o wide: the database first, then server and worker. ` +
          `Grafana's own login still works, https://${hosts.grafana}/login.`,
      },
      {
        name: "AuthentikPartDown",
        expr:
          `max by (namespace, deployment) (kube_deployment_status_replicas_available{namespace="${namespace}"}) == 0 or ` +
          `${asDeployment(`max by (namespace, statefulset) (${DATABASE.metric}{namespace="${namespace}"}) == 0`)} or ` +
          `(${missing(SERVERS)}) or ${asDeployment(missing([DATABASE]))}`,
        for: "10m",
        severity: "warning",
        summary: "{{ $labels.deployment }} has no running pod",
        description:
          `kubectl -n ${namespace} describe pods: the node of its volume down, or memory? Then its log. Nothing there at ` +
          "all: pulumi up --refresh makes it anew.",
      },
      {
        name: "LoginProxyDown",
        expr:
          `max by (namespace, deployment) (kube_deployment_status_replicas_available{deployment=~"${proxies}"}) == 0 or ` +
          `(${missing(deployments(proxiedServices.map((service) => ({ namespace: proxyNamespace(service), deployment: proxyName(service) }))))})`,
        for: "10m",
        severity: "warning",
        summary: "{{ $labels.deployment }} is down: what is behind it cannot be opened",
        description:
          "Layers 3 and 4 first, then kubectl -n {{ $labels.namespace }} logs deploy/{{ $labels.deployment }} --tail=50. " +
          "Not found: pulumi up --refresh makes it anew. Do not route around it.",
      },
    ],
  };
}
