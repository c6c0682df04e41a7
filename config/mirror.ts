import type { Homelab } from "./homelab";
import { chartSources, type ChartName } from "./pins";

/** What the mirror's layout needs to know of the homelab. */
type Mirrored = Pick<Homelab, "versions">;

/**
 * Where a machine fetches a file of known digest: from the mirror if there is one, from upstream otherwise.
 *
 * @param url upstream's URL; its last part is the file's name.
 */
export function fetchUrl({ versions: { mirror } }: Mirrored, url: string, sha256: string): string {
  return mirror ? `${mirror.url}/${mirroredFile(url, sha256)}` : url;
}

/** Path of a file below the mirror's folder: by digest, so that two versions lie side by side. */
export function mirroredFile(url: string, sha256: string): string {
  const name = new URL(url).pathname.split("/").pop() ?? "";
  // A digest that the owner has not filled in yet still gives a path that a plan can show.
  return `files/${/^[0-9a-f]{64}$/.test(sha256) ? sha256 : "unknown"}/${name}`;
}

/** Path of a chart's archive below the mirror's folder. */
export function mirroredChart(name: ChartName, version: string): string {
  return `charts/${chartSources[name].chart}-${version}.tgz`;
}

/** Folder below the mirror's with all container images, as one OCI image layout (opencontainers/image-spec). */
export const MIRRORED_IMAGES = "images";

/**
 * Registries of which images are used, each told to nodes by name. The wildcard `*` of registries.yaml would be shorter,
 * and lost its fall-back to upstream in containerd 2.0 up to K3s v1.32.2 (k3s-io/k3s#11857).
 */
export const REGISTRIES = [
  "docker.io",
  "gcr.io",
  "ghcr.io",
  "lscr.io",
  "nvcr.io",
  "quay.io",
  "registry.k8s.io",
] as const;
