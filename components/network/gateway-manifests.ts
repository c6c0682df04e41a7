import type { Homelab } from "../../config/homelab";
import { waitFor, type Manifest } from "./manifest";
import { certificateSecret, GATEWAY_ACCESS_LABEL, GATEWAY_CLASS, homeGateway } from "./names";
import { httpListener, httpsListener } from "./route";

const API = "gateway.networking.k8s.io/v1";

/** Namespaces that carry the label, the Gateway's own for the routes of challenges among them. */
const allowedRoutes = {
  namespaces: { from: "Selector", selector: { matchLabels: { [GATEWAY_ACCESS_LABEL]: "true" } } },
};

/**
 * The one Gateway of the house: for each host a listener for HTTP and one for HTTPS. A certificate that is not there yet
 * keeps its own listener from serving and no other, so challenges are answered before any certificate exists.
 *
 * Pulumi waits until it is programmed and has the address that router and DNS rely on.
 */
export function gatewayManifest({ routes, network }: Homelab): Manifest {
  return {
    apiVersion: API,
    kind: "Gateway",
    metadata: {
      ...homeGateway,
      annotations: waitFor("condition=Programmed", `jsonpath={.status.addresses[0].value}=${network.gateway.ip}`),
    },
    spec: {
      gatewayClassName: GATEWAY_CLASS,
      listeners: Object.entries(routes).flatMap(([service, hostname]) => [
        { name: httpListener(service), hostname, port: 80, protocol: "HTTP", allowedRoutes },
        {
          name: httpsListener(service),
          hostname,
          port: 443,
          protocol: "HTTPS",
          tls: { mode: "Terminate", certificateRefs: [{ kind: "Secret", name: certificateSecret(service) }] },
          allowedRoutes,
        },
      ]),
    },
  };
}

/**
 * Sends plain HTTP to HTTPS. It has a path prefix, a challenge an exact path on the same host, and the exact path goes
 * first; so no challenge is ever redirected. One for each host: a route takes 16 host names at most.
 */
export function redirectManifests({ routes }: Homelab): Manifest[] {
  return Object.entries(routes).map(([service, host]) => ({
    apiVersion: API,
    kind: "HTTPRoute",
    metadata: { name: `https-redirect-${service}`, namespace: homeGateway.namespace },
    spec: {
      parentRefs: [{ ...homeGateway, sectionName: httpListener(service) }],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 301 } }],
        },
      ],
    },
  }));
}
