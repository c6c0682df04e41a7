import type { Homelab } from "../../../config/homelab";
import type { Manifest } from "../../../components/network/manifest";
import { bundleOf, crdErrors } from "../../support/crds";
import { home } from "../../support/home";

/** One release of each line that the program renders differently; their charts and CRDs are in test/contracts. */
export const ciliumReleases = ["1.15.6", "1.16.19", "1.17.18", "1.18.12"] as const;

/** Newest line of Kubernetes that a line of Cilium is tested with, where it is older than the home stack's. */
const k3sOf: Readonly<Record<string, string>> = { "1.15": "v1.29.15+k3s1", "1.16": "v1.30.14+k3s1" };

/** The home stack with another release of Cilium and what that release demands. */

export function homeWithCilium(version: string, edit: (config: any) => void = () => undefined): Homelab {
  const minor = Number(version.split(".")[1]);
  return home((config) => {
    config.versions.charts = { cilium: version };
    config.versions.k3s.version = k3sOf[`1.${minor}`] ?? config.versions.k3s.version;
    if (minor < 17) {
      config.versions.gatewayApi.channel = "experimental";
    }
    config.network.gateway.alpn = minor >= 16;
    edit(config);
  });
}

/** Edits the configuration to a pool outside the LAN, which needs no ARP. */

export function routedPool(config: any): void {
  Object.assign(config.network, { pool: "172.20.0.0/28", l2Announcements: false });
  config.network.gateway.ip = "172.20.0.1";
}

/** What the API server of this homelab would say against a manifest. */
export function problems(homelab: Homelab, manifest: Manifest): string[] {
  const bundle = bundleOf(homelab, manifest.apiVersion.split("/")[0]);
  return bundle === undefined ? [`nobody defines ${manifest.apiVersion}`] : crdErrors(bundle, { ...manifest });
}
