import type { Homelab } from "../../config/homelab";
import { waitFor, type Manifest } from "../network/manifest";
import { certificateSecret, homeGateway } from "../network/names";
import { httpListener } from "../network/route";
import { acmeDirectory, type AcmeEnvironment } from "./acme";

export function issuerName(environment: AcmeEnvironment): string {
  return `letsencrypt-${environment}`;
}

/**
 * The issuer that the configuration chooses, and only that one: an account with the other environment would be
 * registered for nothing. Each host has its own solver, for each has its own HTTP listener.
 */
export function issuerManifest({ routes, network }: Homelab): Manifest {
  const { issuer, email } = network.certificates;
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "ClusterIssuer",
    metadata: { name: issuerName(issuer), annotations: waitFor("condition=Ready") },
    spec: {
      acme: {
        server: acmeDirectory(issuer),
        email,
        privateKeySecretRef: { name: `${issuerName(issuer)}-account` },
        solvers: Object.entries(routes).map(([service, host]) => ({
          selector: { dnsNames: [host] },
          http01: {
            gatewayHTTPRoute: {
              parentRefs: [
                {
                  group: "gateway.networking.k8s.io",
                  kind: "Gateway",
                  ...homeGateway,
                  sectionName: httpListener(service),
                },
              ],
            },
          },
        })),
      },
    },
  };
}

/**
 * The certificate of one host. It stands in the Gateway's namespace, whose HTTP listeners take the route of its
 * challenge. Stated, not derived from an annotation of the Gateway, so that a refresh sees it.
 */
export function certificateManifest({ routes, network }: Homelab, service: string): Manifest {
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name: certificateSecret(service), namespace: homeGateway.namespace },
    spec: {
      secretName: certificateSecret(service),
      dnsNames: [routes[service]],
      issuerRef: { group: "cert-manager.io", kind: "ClusterIssuer", name: issuerName(network.certificates.issuer) },
      // A key that leaked once is worthless after the next renewal.
      privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
    },
  };
}
